//! Plugins written by hand, for what no compiler of a language makes: each is the smallest component that exports the contract,
//! with a body of its own for one call.
//!
//! Memory holds its texts from 1,024 on, its manifest at 2,048 and an answer of zeros at 3,072: "no issues" and "pass".
//! From 4,096 to 65,536 there is room for an answer that the body writes.

/// A plugin that behaves, in so far as its parts do.
pub(crate) struct Handmade<'a> {
    /// Fields of the module: functions, tables.
    pub(crate) fields: &'a str,
    /// `() -> i32`: where the manifest is.
    pub(crate) describe: &'a str,
    /// `(event, webhook and settings at an address) -> i32`: where the verdict is.
    pub(crate) transform: &'a str,
    /// Pages of memory to begin with.
    pub(crate) pages: u32,
}

impl Default for Handmade<'_> {
    fn default() -> Self {
        Self { fields: "", describe: "(i32.const 2048)", transform: "(i32.const 3072)", pages: 2 }
    }
}

/// One whose `transform` is this.
pub(crate) fn transforming(transform: &str) -> Vec<u8> {
    Handmade { transform, ..Handmade::default() }.wasm()
}

/// One whose `describe` is this.
pub(crate) fn describing(describe: &str) -> Vec<u8> {
    Handmade { describe, ..Handmade::default() }.wasm()
}

/// Numbers as a data segment holds them.
fn words(numbers: &[u32]) -> String {
    numbers.iter().flat_map(|number| number.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}

impl Handmade<'_> {
    pub(crate) fn wasm(&self) -> Vec<u8> {
        // Name, version, description, settings' schema; no event types, doesn't redact, no samples, no attributes.
        let manifest = words(&[1024, 8, 1032, 5, 1037, 7, 1044, 2, 0, 0, 0, 0, 0, 0, 0]);
        let module = format!(
            r#"(core module $libc
                (memory (export "memory") {pages})
                (global $next (mut i32) (i32.const 65536))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                  (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                  (global.get $next)
                  (global.set $next (i32.add (global.get $next) (local.get 3)))))
              (core module $main
                (import "libc" "memory" (memory {pages}))
                (import "log" "log" (func $log (param i32 i32 i32)))
                {fields}
                (data (i32.const 1024) "handmade1.0.0by hand{{}}")
                (data (i32.const 2048) "{manifest}")
                (func (export "describe") (result i32) {describe})
                (func (export "validate") (param i32 i32) (result i32) (i32.const 3072))
                (func (export "transform") (param i32) (result i32) {transform}))"#,
            pages = self.pages,
            fields = self.fields,
            describe = self.describe,
            transform = self.transform,
        );
        text(&format!("(component {IMPORTS} {module} {WIRES} {TYPES} {EXPORTS})"))
    }
}

/// A component, from its text.
pub(crate) fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"))
}

const IMPORTS: &str = r#"
    (import "waxwing:plugin/log@0.1.0" (instance $log
      (type $levels (enum "debug" "info" "warn" "error"))
      (export "level" (type $level (eq $levels)))
      (export "log" (func (param "level" $level) (param "message" string)))))"#;

const WIRES: &str = r#"
    (core instance $libc (instantiate $libc))
    (core func $log (canon lower (func $log "log") (memory (core memory $libc "memory"))))
    (core instance $main (instantiate $main
      (with "libc" (instance $libc)) (with "log" (instance (export "log" (func $log))))))"#;

/// `wit/0.1.0`, by hand.
const TYPES: &str = r#"
    (type $attributes (list (tuple string string)))
    (type $header (record (field "name" string) (field "value" string)))
    (type $method (enum "post" "put" "patch"))
    (type $event (record (field "id" string) (field "event-type" string) (field "occurred-at" u64)
      (field "content-type" string) (field "data" (list u8)) (field "attributes" $attributes)))
    (type $webhook (record (field "id" string) (field "origin" string) (field "attributes" $attributes)))
    (type $request (record (field "method" $method) (field "path" (option string)) (field "origin" (option string))
      (field "query" $attributes) (field "headers" (list $header)) (field "content-type" string)
      (field "body" (list u8)) (field "attributes" $attributes)))
    (type $verdict (variant (case "pass") (case "replace" (list u8)) (case "send" $request) (case "drop" string)))
    (type $issue (record (field "path" string) (field "message" string)))
    (type $failure (variant (case "invalid-event" string) (case "invalid-settings" (list $issue)) (case "other" string)))
    (type $sample (record (field "name" string) (field "event-type" string) (field "data" (list u8))
      (field "settings" string)))
    (type $manifest (record (field "name" string) (field "version" string) (field "description" string)
      (field "settings-schema" string) (field "event-types" (list string)) (field "redacts" bool)
      (field "samples" (list $sample)) (field "attributes" $attributes)))"#;

const EXPORTS: &str = r#"
    (func $describe (result $manifest)
      (canon lift (core func $main "describe") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (func $validate (param "settings" string) (result (result (error (list $issue))))
      (canon lift (core func $main "validate") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (func $transform (param "event" $event) (param "webhook" $webhook) (param "settings" string)
        (result (result $verdict (error $failure)))
      (canon lift (core func $main "transform") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (instance $transformer
      (export "header" (type $header)) (export "method" (type $method)) (export "event" (type $event))
      (export "webhook" (type $webhook)) (export "request" (type $request)) (export "verdict" (type $verdict))
      (export "issue" (type $issue)) (export "failure" (type $failure)) (export "sample" (type $sample))
      (export "manifest" (type $manifest))
      (export "describe" (func $describe)) (export "validate-settings" (func $validate))
      (export "transform" (func $transform)))
    (export "waxwing:plugin/transformer@0.1.0" (instance $transformer))"#;
