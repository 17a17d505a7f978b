//! The generated bindings of the world that the feature `wasi-0-3` selects. The types of the contract are those of `privacy-contract`.
#![allow(unsafe_code)]

macro_rules! generate {
    ($world:tt) => {
        wit_bindgen::generate!({
            path: ["../../wit", "wit"],
            world: $world,
            generate_all,
            with: {
                "privacy:connector/connector@0.2.0/request": privacy_contract::Request,
                "privacy:connector/connector@0.2.0/attempts": privacy_contract::Attempts,
                "privacy:connector/connector@0.2.0/identifier": privacy_contract::Identifier,
                "privacy:connector/connector@0.2.0/right": privacy_contract::Right,
                "privacy:connector/connector@0.2.0/deletion-mode": privacy_contract::DeletionMode,
                "privacy:connector/connector@0.2.0/task": privacy_contract::Task,
                "privacy:connector/connector@0.2.0/setting": privacy_contract::Setting,
                "privacy:connector/connector@0.2.0/progress": privacy_contract::Progress,
                "privacy:connector/connector@0.2.0/stage": privacy_contract::Stage,
                "privacy:connector/connector@0.2.0/pending": privacy_contract::Pending,
                "privacy:connector/connector@0.2.0/outcome": privacy_contract::Outcome,
                "privacy:connector/connector@0.2.0/finding": privacy_contract::Finding,
                "privacy:connector/connector@0.2.0/source-state": privacy_contract::SourceState,
                "privacy:connector/connector@0.2.0/amount": privacy_contract::Amount,
                "privacy:connector/connector@0.2.0/document": privacy_contract::Document,
                "privacy:connector/connector@0.2.0/content": privacy_contract::Content,
                "privacy:connector/connector@0.2.0/chunk": privacy_contract::Chunk,
                "privacy:connector/connector@0.2.0/gap": privacy_contract::Gap,
                "privacy:connector/connector@0.2.0/vendor-job": privacy_contract::VendorJob,
                "privacy:connector/connector@0.2.0/receipt": privacy_contract::Receipt,
                "privacy:connector/connector@0.2.0/report": privacy_contract::Report,
                "privacy:connector/connector@0.2.0/error-kind": privacy_contract::ErrorKind,
                "privacy:connector/connector@0.2.0/remedy": privacy_contract::Remedy,
                "privacy:connector/connector@0.2.0/problem": privacy_contract::Problem,
                "privacy:connector/connector@0.2.0/error": privacy_contract::Error,
                "privacy:connector/connector@0.2.0/setting-kind": privacy_contract::SettingKind,
                "privacy:connector/connector@0.2.0/setting-field": privacy_contract::SettingField,
                "privacy:connector/connector@0.2.0/permission": privacy_contract::Permission,
                "privacy:connector/connector@0.2.0/capability": privacy_contract::Capability,
                "privacy:connector/connector@0.2.0/rate-limit": privacy_contract::RateLimit,
                "privacy:connector/connector@0.2.0/manifest": privacy_contract::Manifest,
                "privacy:connector/connector@0.2.0/connection": privacy_contract::Connection,
            },
        });
    };
}

#[cfg(not(feature = "wasi-0-3"))]
generate!("privacy:gateway/gateway");
#[cfg(feature = "wasi-0-3")]
generate!("privacy:gateway/gateway-async");

#[cfg(feature = "wasi-0-3")]
use super::asynchronous::Component;
#[cfg(not(feature = "wasi-0-3"))]
use super::blocking::Component;

export!(Component);
