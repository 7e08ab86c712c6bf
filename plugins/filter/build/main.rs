//! Takes jaq's prelude apart into single definitions with what each one needs, so that a filter parses only those it uses:
//! parsing the whole prelude takes ten times as long as an ordinary filter. Next: `print.rs`.

mod print;

use std::{collections::BTreeSet, env, fmt::Write as _, fs, io, path::Path};

use jaq_core::load::{Lexer, lex::StrPart, lex::Tok, lex::Token, parse::Def};

/// Writes `PRELUDE`: (name, its text, the places of what it needs, all before it or itself), in jaq's order.
fn main() -> io::Result<()> {
    let definitions: Vec<_> = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).collect();
    let mut table = String::from("const PRELUDE: &[Definition] = &[\n");
    for (place, definition) in definitions.iter().enumerate() {
        let text = print::definition(definition);
        assert_eq!(parsed(&text), format!("{definition:?}"), "printing changed its meaning: {text}");
        let earlier = definitions.get(..place).unwrap_or_default();
        let needs = needs(&text, earlier);
        let _ = writeln!(table, "    Definition {{ name: {:?}, text: {text:?}, needs: &{needs:?} }},", definition.name);
    }
    table.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo didn't set OUT_DIR"))?;
    println!("cargo::rerun-if-changed=build");
    fs::write(Path::new(&out).join("prelude.rs"), table)
}

fn parsed(text: &str) -> String {
    let definitions = jaq_core::load::parse(text, |parser| parser.defs()).unwrap_or_default();
    definitions.iter().map(|definition| format!("{definition:?}")).collect()
}

fn needs(text: &str, earlier: &[Def<&str>]) -> Vec<usize> {
    let tokens = Lexer::new(text).lex().unwrap_or_default();
    let mut names = BTreeSet::new();
    tokens.iter().for_each(|token| collect(token, &mut names));
    let places = earlier.iter().enumerate().filter(|(_, known)| names.contains(known.name));
    places.map(|(place, _)| place).collect()
}

fn collect<'a>(Token(text, kind): &Token<&'a str>, names: &mut BTreeSet<&'a str>) {
    match kind {
        Tok::Word | Tok::Fmt => drop(names.insert(text)),
        Tok::Block(tokens) => tokens.iter().for_each(|token| collect(token, names)),
        Tok::Str(parts) => parts.iter().for_each(|part| {
            if let StrPart::Term(token) = part {
                collect(token, names);
            }
        }),
        Tok::Var | Tok::Num | Tok::Sym => {}
    }
}
