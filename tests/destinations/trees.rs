//! What to feed a formatter with: random JSON trees, and the data that breaks naive ones.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Strings that mean something to somebody.
const MARKUP: &[&str] = &[
    "",
    " ",
    "\u{200B}",
    "\u{3164}\u{2060}",
    "<!channel>",
    "<!here|here>",
    "<@U012AB3CD>",
    "<#C0123456|general>",
    "<https://evil.example|click>",
    "https://evil.example/a_b",
    "@everyone @here @channel",
    "<@&123> <@!1> <:blob:42> <t:0>",
    "*bold* _it_ ~gone~ `code` ```block```",
    "**b** __u__ ~~s~~ ||spoiler|| [x](https://evil.example)",
    "# heading\n> quote\n- list\n1. one\n-# small",
    "&amp; &lt; & < >",
    "\\*not\\* \\`x\\` \\",
    ":tada: fe80:abcd::1",
    "مرحبا بالعالم שלום",
    "a\u{202E}b\u{2066}c\u{2069}",
    "👩‍👩‍👧‍👦🏳️‍🌈é́́́",
    "\u{0}\u{7}\u{1b}[31m\r\n\t\u{7f}\u{85}\u{2028}",
    "{/a} {{x}} {type}",
    "discord.gg/abc",
];

/// A string: markup, anything, long, or some of each.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(MARKUP).prop_map(str::to_owned),
        2 => any::<String>(),
        2 => "[<>&@!#*_~`|:\\\\\\[\\]()a-z \n]{0,80}",
        1 => ("\\PC", 1usize..5000).prop_map(|(unit, times)| unit.repeat(times)),
        1 => (prop::sample::select(MARKUP), 1usize..300).prop_map(|(unit, times)| unit.repeat(times)),
    ]
}

/// A JSON tree of any shape.
pub(crate) fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 200, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Data that is large, deep, odd or not JSON, each with a name.
pub(crate) fn nasties() -> Vec<(String, Vec<u8>)> {
    let mega = 1 << 20;
    let many = |count: usize, value: &Value| -> Value {
        (0..count).map(|index| (format!("member{index}"), value.clone())).collect::<Map<_, _>>().into()
    };
    let mut all: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("bytes".into(), (0..=255).collect()),
        ("cut".into(), br#"{"a": "#.to_vec()),
        ("byte order mark".into(), b"\xef\xbb\xbf{\"a\":1}".to_vec()),
        ("plain markup".into(), MARKUP.join("\n").into_bytes()),
        ("lone surrogate".into(), br#"{"a":"\ud800"}"#.to_vec()),
        ("duplicate keys".into(), br#"{"a":1,"a":2,"A":3,"a ":4}"#.to_vec()),
        ("deep list".into(), ["[".repeat(100), "]".repeat(100)].concat().into_bytes()),
        ("too deep list".into(), ["[".repeat(5000), "]".repeat(5000)].concat().into_bytes()),
        ("deep object".into(), ["{\"a\":".repeat(100), "1".into(), "}".repeat(100)].concat().into_bytes()),
    ];
    for value in [
        json!(null),
        json!([]),
        json!({}),
        json!(""),
        json!(0),
        json!("x".repeat(mega - 2)),
        json!("`".repeat(mega / 2)),
        json!("<!channel> ".repeat(mega / 11 - 1)),
        json!({ "a": "&".repeat(mega - 10) }),
        json!({ "a": " ".repeat(mega - 10) }),
        json!({ "x".repeat(mega - 10): 1 }),
        json!({ "": "", " ": " ", "\u{200B}": "\u{200B}" }),
        json!({ "\u{3164}\u{2060}": false, "\u{3164}": { "\u{115F}": "\u{FFA0}" } }),
        json!({ "": { "": 1 }, "😀": { "😀": "😀" } }),
        json!(vec![0; mega / 2 - 2]),
        json!({ "items": vec![0; mega / 2 - 10] }),
        json!(vec![vec![0; 500]; 1040]),
        json!({ "rows": vec![vec![0; 10]; 40_000], "then": [1, 2] }),
        many(40_000, &json!(1)),
        many(40, &json!("&".repeat(20_000))),
        many(40, &json!("👍*_`".repeat(2_000))),
        many(3, &many(5_000, &json!("<@U1>"))),
        // Marks are the dearest characters to look up.
        json!({ "\u{E47}".repeat(2_481): false }),
        (0..40)
            .map(|index| (format!("{}{index}", "\u{E47}".repeat(190)), json!(":\u{E47}*".repeat(150))))
            .collect::<Map<_, _>>()
            .into(),
        MARKUP.iter().map(|text| ((*text).to_owned(), json!(text))).collect::<Map<_, _>>().into(),
    ] {
        let data = value.to_string().into_bytes();
        let name =
            format!("{}… ({} bytes)", String::from_utf8_lossy(&data).chars().take(20).collect::<String>(), data.len());
        assert!(data.len() <= mega, "{name} is larger than an event can be");
        all.push((name, data));
    }
    all
}
