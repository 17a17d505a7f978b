//! Composes several components into one file. Each keeps a memory of its own.

use std::error::Error;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

/// Satisfies the socket's imports with the plug's exports. The file exports what the socket exports, and imports what is left.
///
/// # Errors
/// One of them is not a component, or they do not fit together.
pub fn compose(plug_: (&str, &[u8]), socket: (&str, &[u8])) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let [plugged, socket] = [plug_, socket].map(|(name, component)| {
        let package = Package::from_bytes(name, None, component, graph.types_mut())?;
        Ok::<_, Box<dyn Error>>(graph.register_package(package)?)
    });
    plug(&mut graph, vec![plugged?], socket?)?;
    Ok(graph.encode(EncodeOptions::default())?)
}
