//! jaq's prelude (`map`, `select`, `test`, …), of which a program gets the definitions that it can reach.
//!
//! By name only: a program that defines a `map` of its own gets the prelude's as well, unused. Next: `build/main.rs`, where
//! the table is made.

use jaq_core::load::{
    Lexer,
    lex::{StrPart, Tok, Token},
};

struct Definition {
    name: &'static str,
    text: &'static str,
    /// Places in the table, all before this one.
    needs: &'static [usize],
}

include!(concat!(env!("OUT_DIR"), "/prelude.rs"));

/// The definitions that `program` can reach, in an order in which they compile. A program that doesn't lex gets none: its
/// errors are reported by whoever parses it.
pub(crate) fn for_program(program: &str) -> String {
    let tokens = Lexer::new(program).lex().unwrap_or_default();
    let mut wanted = vec![false; PRELUDE.len()];
    tokens.iter().for_each(|token| mark_named(token, &mut wanted));

    // Needs point backwards, so one pass from the end marks everything.
    let mut texts = Vec::new();
    for (place, definition) in PRELUDE.iter().enumerate().rev() {
        if wanted.get(place) == Some(&true) {
            definition.needs.iter().for_each(|&need| mark(need, &mut wanted));
            texts.push(definition.text);
        }
    }
    texts.reverse();
    texts.concat()
}

fn mark_named(Token(text, kind): &Token<&str>, wanted: &mut [bool]) {
    match kind {
        Tok::Word | Tok::Fmt => {
            let places = PRELUDE.iter().enumerate().filter(|(_, definition)| definition.name == *text);
            places.for_each(|(place, _)| mark(place, wanted));
        }
        Tok::Block(tokens) => tokens.iter().for_each(|token| mark_named(token, wanted)),
        Tok::Str(parts) => parts.iter().for_each(|part| {
            if let StrPart::Term(token) = part {
                mark_named(token, wanted);
            }
        }),
        Tok::Var | Tok::Num | Tok::Sym => {}
    }
}

fn mark(place: usize, wanted: &mut [bool]) {
    if let Some(wanted) = wanted.get_mut(place) {
        *wanted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_what_it_reaches_and_no_more() {
        assert_eq!(for_program(".data.amount > 10"), "");
        let not = for_program(".a | not");
        assert_eq!(not.matches("def ").count(), 3, "not needs true and false: {not}");
        assert!(for_program("\"\\(.a | map(.b))\"").contains("def map("));
        assert!(for_program("@base64").contains("def @base64:"));
    }

    #[test]
    fn every_definition_compiles_with_what_it_needs_alone() {
        for definition in PRELUDE {
            let arity = definition.text.split_once(':').map_or(0, |(head, _)| match head.split_once('(') {
                Some((_, arguments)) => arguments.matches(';').count() + 1,
                None => 0,
            });
            let arguments = if arity == 0 { String::new() } else { format!("({})", vec!["."; arity].join(";")) };
            let program = format!("{}{arguments}", definition.name);
            assert!(crate::program::Program::compile(&program).is_ok(), "{program}");
        }
    }
}
