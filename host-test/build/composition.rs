//! Several components in one file, each with a memory of its own.

use std::error::Error;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

/// The socket, whose imports are satisfied by what the plug exports. What both import besides, the file imports once; it exports
/// what the socket does.
pub fn compose(plug_: (&str, &[u8]), socket: (&str, &[u8])) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let [plugged, socket] = [plug_, socket].map(|(name, component)| {
        let package = Package::from_bytes(name, None, component, graph.types_mut())?;
        Ok::<_, Box<dyn Error>>(graph.register_package(package)?)
    });
    plug(&mut graph, vec![plugged?], socket?)?;
    Ok(graph.encode(EncodeOptions::default())?)
}
