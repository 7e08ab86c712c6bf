//! A jq program: compiled, with errors that say where, and asked about one event.

use std::fmt;

use jaq_core::{
    Compiler, Ctx, Filter, Vars, data,
    load::{self, Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::Val;

use crate::prelude;

pub(crate) struct Program {
    filter: Filter<data::JustLut<Val>>,
}

/// What a program says of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its first output is neither false nor null.
    Yes,
    /// The first output, as JSON.
    No(String),
    Nothing,
}

/// Why a program doesn't compile: the first thing wrong, and the byte at which it begins.
#[derive(Debug)]
pub(crate) struct CompileError {
    message: String,
    at: usize,
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.message, self.at)
    }
}

impl Program {
    pub(crate) fn compile(code: &str) -> Result<Self, CompileError> {
        let prelude = prelude::for_program(code);
        let definitions = match prelude.as_str() {
            "" => Vec::new(),
            prelude => load::parse(prelude, |parser| parser.defs()).unwrap_or_default(),
        };
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code, path: () })
            .map_err(|errors| CompileError::of_syntax(code, errors))?;
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let filter = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|errors| CompileError::of_names(code, errors))?;
        Ok(Program { filter })
    }

    /// Only the first output counts; the others aren't even made.
    pub(crate) fn ask(&self, input: Val) -> Result<Answer, String> {
        let context = Ctx::<data::JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let first = self.filter.id.run((context, input)).map(unwrap_valr).next();
        match first {
            None => Ok(Answer::Nothing),
            Some(Ok(output @ (Val::Null | Val::Bool(false)))) => Ok(Answer::No(output.to_string())),
            Some(Ok(_)) => Ok(Answer::Yes),
            Some(Err(error)) => Err(error.to_string()),
        }
    }
}

impl CompileError {
    fn of_syntax(code: &str, errors: load::Errors<&str, ()>) -> Self {
        let first = errors.into_iter().next().map(|(_, error)| error);
        let (message, part) = match first {
            Some(load::Error::Io(errors)) => match errors.into_iter().next() {
                Some((path, reason)) => (reason, path),
                None => ("can't be loaded".to_owned(), ""),
            },
            Some(load::Error::Lex(errors)) => match errors.into_iter().next() {
                Some((expected, found)) => (format!("expected {}", expected.as_str()), found),
                None => ("can't be read".to_owned(), ""),
            },
            Some(load::Error::Parse(errors)) => match errors.into_iter().next() {
                Some((expected, found)) => (format!("expected {}", expected.as_str()), found),
                None => ("can't be parsed".to_owned(), ""),
            },
            None => ("can't be parsed".to_owned(), ""),
        };
        Self::new(code, message, part)
    }

    fn of_names<P>(code: &str, errors: jaq_core::compile::Errors<&str, P>) -> Self {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        match first {
            Some((name, kind)) => Self::new(code, format!("undefined {} `{name}`", kind.as_str()), name),
            None => Self::new(code, "can't be compiled".to_owned(), code),
        }
    }

    /// `part` lies in `code`, or is empty at its end.
    fn new(code: &str, message: String, part: &str) -> Self {
        let offset = (part.as_ptr() as usize).checked_sub(code.as_ptr() as usize);
        let at = offset.filter(|&offset| offset <= code.len()).unwrap_or(code.len());
        CompileError { message, at }
    }
}
