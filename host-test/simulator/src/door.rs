//! Whether anything listens at the simulator's port.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// The port, which stays the simulator's own while nothing listens there.
pub(super) struct Door {
    /// Bound, and never listening: so nobody else is given the port.
    _place: TcpSocket,
    address: SocketAddr,
    /// Whether connections are to be taken.
    wanted: watch::Sender<bool>,
    /// Whether they are.
    open: watch::Sender<bool>,
}

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1_024;

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Door {
    /// An open door at this address; port 0 is any free one.
    pub(super) fn at(address: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let place = bind(address)?;
        let address = place.local_addr()?;
        let listener = bind(address)?.listen(BACKLOG)?;
        let door = Self { _place: place, address, wanted: watch::Sender::new(true), open: watch::Sender::new(true) };
        Ok((door, listener))
    }

    /// Returns once connections are refused.
    pub(super) async fn shut(&self) {
        self.become_open(false).await;
    }

    /// Returns once connections are taken.
    pub(super) async fn open(&self) {
        self.become_open(true).await;
    }

    async fn become_open(&self, open: bool) {
        self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, open) != open);
        // The one who answers is a field of this, and cannot have gone.
        let _ = self.open.subscribe().wait_for(|now| *now == open).await;
    }

    /// What is wanted of the door, to be waited for.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.wanted.subscribe()
    }

    /// Does what is wanted: a listener where there was one only if connections are to be taken.
    pub(super) fn tend(&self, listener: Option<TcpListener>) -> Option<TcpListener> {
        let listener = match (*self.wanted.borrow(), listener) {
            (false, _) => None,
            (true, Some(listener)) => Some(listener),
            (true, None) => bind(self.address).and_then(|socket| socket.listen(BACKLOG)).ok(),
        };
        self.open.send_replace(listener.is_some());
        listener
    }
}
