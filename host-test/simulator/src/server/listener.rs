//! The port of the server, and whether it accepts connections.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// What the port does with new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    Accepted,
    Refused,
}

/// A port that stays reserved for the server while it refuses connections.
pub(super) struct Port {
    /// Bound, but never listening. No other process can bind the port.
    _reservation: TcpSocket,
    address: SocketAddr,
    /// What was requested.
    wanted: watch::Sender<Connections>,
    /// What the accept loop has put into effect.
    current: watch::Sender<Connections>,
}

/// The number of connections that the operating system queues for the accept loop.
const BACKLOG: u32 = 1_024;

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Port {
    /// Binds this address and listens on it. Port 0 takes any free port.
    pub(super) fn bind(address: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let reservation = bind(address)?;
        let address = reservation.local_addr()?;
        let listener = bind(address)?.listen(BACKLOG)?;
        let accepted = || watch::Sender::new(Connections::Accepted);
        Ok((Self { _reservation: reservation, address, wanted: accepted(), current: accepted() }, listener))
    }

    /// Returns once new connections are refused.
    pub(super) async fn refuse_connections(&self) {
        self.change(Connections::Refused).await;
    }

    /// Returns once new connections are accepted.
    pub(super) async fn accept_connections(&self) {
        self.change(Connections::Accepted).await;
    }

    async fn change(&self, connections: Connections) {
        self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, connections) != connections);
        // `self` holds the sender, so that the wait cannot fail.
        let _ = self.current.subscribe().wait_for(|current| *current == connections).await;
    }

    /// Reports each change of what is requested.
    pub(super) fn wanted(&self) -> watch::Receiver<Connections> {
        self.wanted.subscribe()
    }

    /// Puts what was requested into effect: keeps, opens or drops the listener, and returns it.
    pub(super) fn apply(&self, listener: Option<TcpListener>) -> Option<TcpListener> {
        let listener = match (*self.wanted.borrow(), listener) {
            (Connections::Refused, _) => None,
            (Connections::Accepted, Some(listener)) => Some(listener),
            (Connections::Accepted, None) => bind(self.address).and_then(|socket| socket.listen(BACKLOG)).ok(),
        };
        let current = if listener.is_some() { Connections::Accepted } else { Connections::Refused };
        self.current.send_replace(current);
        listener
    }
}
