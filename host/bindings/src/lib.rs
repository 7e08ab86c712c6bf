//! The contract (`wit/0.1.0`) as wasmtime sees it, for both worlds. In a crate of its own because the macro takes longer
//! than anything else that a change in the host would build again; so there is nothing else in here.
//!
//! Guests are called asynchronously, since fuel makes them yield; `log` is not, and can trap. The types are the first
//! world's in both.

#![allow(unsafe_code, reason = "generated: lifting and lowering by the canonical ABI")]
#![allow(
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "generated"
)]
#![allow(unreachable_pub, reason = "generated")]

/// Every plugin.
pub mod plugin {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "webhook-plugin",
        imports: { default: trappable },
        exports: { default: async },
    });
}

/// A plugin that judges replies too.
pub mod plugin_with_response {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "webhook-plugin-with-response",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "waxwing:plugin/types": crate::plugin::waxwing::plugin::types,
            "waxwing:plugin/log": crate::plugin::waxwing::plugin::log,
        },
    });
}
