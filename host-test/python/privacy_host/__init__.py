"""A host for privacy connectors: components that find and delete what a vendor's system holds on a person.

    plugin = Plugin.load("qualtrics-guarded.wasm")
    with Connector(plugin, origins=["https://fra1.qualtrics.com"]) as connector:
        connector.configure({"datacenter-id": "fra1", "client-id": "…", "client-secret": "…"})
        progress = connector.access(Request("dsr-1", [Email("ada@example.org")]))

`contract` has the records of the contract, `plugin` what a file may do, `connector` the calls, `values` what crosses between
Python and the component, `errors` what is raised.
"""

from .connector import PIECE as PIECE
from .connector import Connector as Connector
from .contract import *
from .errors import CallLost as CallLost
from .errors import ConnectorError as ConnectorError
from .errors import NotAPlugin as NotAPlugin
from .plugin import Limits as Limits
from .plugin import Plugin as Plugin
