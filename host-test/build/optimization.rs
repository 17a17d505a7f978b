//! Makes the code of a core module smaller.

use std::error::Error;
use std::fs;
use std::path::Path;

use wasm_opt::{Feature, OptimizationOptions};

/// What the compiler makes use of for this target, beyond the first version of WebAssembly.
const FEATURES: [Feature; 6] = [
    Feature::BulkMemory,
    Feature::Multivalue,
    Feature::MutableGlobals,
    Feature::ReferenceTypes,
    Feature::SignExt,
    Feature::TruncSat,
];

/// The module, in fewer bytes: binaryen finds what LLVM leaves. It keeps the names of the functions if it is told to.
pub fn optimized(module: &Path, keep_names: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let to = module.with_extension("optimized.wasm");
    let mut options = OptimizationOptions::new_optimize_for_size_aggressively();
    options.set_converge().debug_info(keep_names);
    for feature in FEATURES {
        options.enable_feature(feature);
    }
    options.run(module, &to)?;
    Ok(fs::read(to)?)
}
