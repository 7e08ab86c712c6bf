//! A parsed definition as text again, with more parentheses than a person would write. Knows what the prelude uses.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    ops::{Cmp, Math},
    path::{Opt, Part},
};

type T<'a> = Term<&'a str>;

pub(crate) fn definition(definition: &Def<&str>) -> String {
    let arguments = match definition.args.join("; ") {
        list if list.is_empty() => list,
        list => format!("({list})"),
    };
    format!("def {}{arguments}: {};", definition.name, term(&definition.body))
}

fn term(term: &T<'_>) -> String {
    match term {
        Term::Id => ".".to_owned(),
        Term::Recurse => "..".to_owned(),
        Term::Num(text) | Term::Var(text) => (*text).to_owned(),
        Term::Str(format, parts) => string(*format, parts),
        Term::Arr(None) => "[]".to_owned(),
        Term::Arr(Some(inner)) => format!("[{}]", print(inner)),
        Term::Obj(members) => format!("{{{}}}", join(members, ", ", |(key, value)| member(key, value.as_ref()))),
        Term::Neg(inner) => format!("(-{})", atom(inner)),
        Term::BinOp(left, operator, right) => binary(left, operator, right),
        Term::Label(name, inner) => format!("(label {name} | {})", print(inner)),
        Term::Break(name) => format!("(break {name})"),
        Term::Fold(kind, source, pattern, arguments) => {
            format!("({kind} {} as {} ({}))", atom(source), self::pattern(pattern), join(arguments, "; ", print))
        }
        Term::TryCatch(inner, None) => format!("(try {})", atom(inner)),
        Term::TryCatch(inner, Some(caught)) => format!("(try {} catch {})", atom(inner), atom(caught)),
        Term::IfThenElse(cases, otherwise) => {
            let cases = join(cases, " elif ", |(test, then)| format!("{} then {}", print(test), print(then)));
            let otherwise = otherwise.as_ref().map(|term| format!(" else {}", print(term))).unwrap_or_default();
            format!("if {cases}{otherwise} end")
        }
        Term::Def(definitions, inner) => format!("({} {})", join(definitions, " ", definition), print(inner)),
        Term::Call(name, arguments) if arguments.is_empty() => (*name).to_owned(),
        Term::Call(name, arguments) => format!("{name}({})", join(arguments, "; ", print)),
        Term::Path(start, path) => format!("{}{}", atom(start), join(&path.0, "", |(part, opt)| step(part, opt))),
    }
}

fn print(inner: &T<'_>) -> String {
    term(inner)
}

/// Where the grammar wants something that holds together by itself.
fn atom(inner: &T<'_>) -> String {
    match inner {
        Term::Id | Term::Num(_) | Term::Call(..) | Term::Var(_) | Term::Arr(_) | Term::Obj(_) | Term::Str(..) => {
            term(inner)
        }
        _ => format!("({})", term(inner)),
    }
}

fn join<X>(items: &[X], separator: &str, print: impl Fn(&X) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(separator)
}

fn string(format: Option<&str>, parts: &[StrPart<&str, T<'_>>]) -> String {
    let parts = join(parts, "", |part| match part {
        StrPart::Str(text) => (*text).to_owned(),
        StrPart::Char(character) => format!("\\u{:04x}", u32::from(*character)),
        StrPart::Term(inner) => format!("\\({})", print(inner)),
    });
    format!("{} \"{parts}\"", format.unwrap_or_default()).trim_start().to_owned()
}

fn member(key: &T<'_>, value: Option<&T<'_>>) -> String {
    let key = match key {
        Term::Var(_) | Term::Str(..) => term(key),
        _ => format!("({})", term(key)),
    };
    value.map_or(key.clone(), |value| format!("{key}: {}", atom(value)))
}

fn step(part: &Part<T<'_>>, opt: &Opt) -> String {
    let bound = |bound: &Option<T<'_>>| bound.as_ref().map(print).unwrap_or_default();
    let part = match part {
        Part::Index(index) => format!("[{}]", print(index)),
        Part::Range(None, None) => "[]".to_owned(),
        Part::Range(from, upto) => format!("[{}:{}]", bound(from), bound(upto)),
    };
    match opt {
        Opt::Optional => format!("{part}?"),
        Opt::Essential => part,
    }
}

fn pattern(pattern: &Pattern<&str>) -> String {
    match pattern {
        Pattern::Var(name) => (*name).to_owned(),
        Pattern::Arr(inner) => format!("[{}]", join(inner, ", ", self::pattern)),
        Pattern::Obj(members) => {
            format!("{{{}}}", join(members, ", ", |(key, inner)| format!("({}): {}", print(key), self::pattern(inner))))
        }
    }
}

fn binary(left: &T<'_>, operator: &BinaryOp<&str>, right: &T<'_>) -> String {
    let operator = match operator {
        BinaryOp::Pipe(None) => "|".to_owned(),
        BinaryOp::Pipe(Some(name)) => return format!("({} as {} | {})", atom(left), pattern(name), print(right)),
        BinaryOp::Comma => ",".to_owned(),
        BinaryOp::Alt => "//".to_owned(),
        BinaryOp::Or => "or".to_owned(),
        BinaryOp::And => "and".to_owned(),
        BinaryOp::Math(operator) => math(operator).to_owned(),
        BinaryOp::Cmp(operator) => comparison(operator).to_owned(),
        BinaryOp::Assign => "=".to_owned(),
        BinaryOp::Update => "|=".to_owned(),
        BinaryOp::UpdateMath(operator) => format!("{}=", math(operator)),
        BinaryOp::UpdateAlt => "//=".to_owned(),
    };
    format!("({} {operator} {})", atom(left), atom(right))
}

fn math(operator: &Math) -> &'static str {
    match operator {
        Math::Add => "+",
        Math::Sub => "-",
        Math::Mul => "*",
        Math::Div => "/",
        Math::Rem => "%",
    }
}

fn comparison(operator: &Cmp) -> &'static str {
    match operator {
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
        Cmp::Eq => "==",
        Cmp::Ne => "!=",
    }
}
