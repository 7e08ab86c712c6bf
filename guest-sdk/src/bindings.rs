//! What wit-bindgen makes of `wit/0.1.0`: the world every plugin has, and the export that some add.
//!
//! The contract's second world is the first plus `response`. Generating both would make everything in the first twice, so
//! here `response` is a world of its own; the linker merges it with the first where `export!(T, response)` uses both.
//! Nothing here is written by hand and nothing here is for authors: `lib.rs` re-exports the types they use. Next: `export.rs`.

#![allow(missing_docs, reason = "generated: the types carry the contract's own comments, the glue has none")]
#![allow(unsafe_code, reason = "generated: the canonical ABI hands pointers over; no line of it is ours")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "generated")]
#![allow(clippy::allow_attributes_without_reason, reason = "generated")]
#![allow(clippy::too_many_arguments, clippy::too_many_lines, reason = "generated")]
#![allow(unreachable_pub, reason = "generated; `export!` reaches in from other crates")]

pub mod plain {
    wit_bindgen::generate!({
        path: "wit/0.1.0",
        world: "webhook-plugin",
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
    });
}

pub mod response {
    wit_bindgen::generate!({
        path: "wit/0.1.0",
        inline: "
            package waxwing:guest;
            world response-alone { export waxwing:plugin/response@0.1.0; }
        ",
        world: "waxwing:guest/response-alone",
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        with: { "waxwing:plugin/types@0.1.0": crate::bindings::plain::waxwing::plugin::types },
    });
}
