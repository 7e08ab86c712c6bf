//! What changed between two texts, line by line.

use askama::Template;

/// The most lines of each text, and of the part between what they have in common at both ends.
const LINES_MAX: usize = 2000;
const CHANGED_MAX: usize = 300;

/// Shown in a box of its own. Signs say what the colours do.
#[derive(Template)]
#[template(path = "parts/diff.html")]
pub(super) struct Diff {
    label: &'static str,
    lines: Vec<Line>,
}

impl askama::filters::HtmlSafe for Diff {}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Same,
    Gone,
    New,
}

impl Diff {
    /// `None` where the texts are too long, or the same.
    pub(super) fn new(label: &'static str, before: &str, after: &str) -> Option<Self> {
        let lines = lines(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>())?;
        lines.iter().any(|line| line.kind != Kind::Same).then_some(Self { label, lines })
    }
}

fn lines(before: &[&str], after: &[&str]) -> Option<Vec<Line>> {
    let ahead = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (same, before) = before.split_at(ahead);
    let (_, after) = after.split_at(ahead);
    let behind = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let (before, end) = before.split_at(before.len() - behind);
    let (after, _) = after.split_at(after.len() - behind);
    let too_long = same.len() + end.len() > LINES_MAX || before.len().max(after.len()) > CHANGED_MAX;
    if too_long {
        return None;
    }
    let kept = |text: &&str| Line { kind: Kind::Same, text: (*text).to_owned() };
    let mut lines: Vec<Line> = same.iter().map(kept).collect();
    between(before, after, &mut lines);
    lines.extend(end.iter().map(kept));
    Some(lines)
}

/// By the longest common subsequence.
fn between(before: &[&str], after: &[&str], out: &mut Vec<Line>) {
    let width = after.len() + 1;
    let mut lengths = vec![0_u16; (before.len() + 1) * width];
    let at =
        |lengths: &[u16], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or_default();
    for (row, one) in before.iter().enumerate().rev() {
        for (column, other) in after.iter().enumerate().rev() {
            let longest = if one == other {
                at(&lengths, row + 1, column + 1) + 1
            } else {
                at(&lengths, row + 1, column).max(at(&lengths, row, column + 1))
            };
            if let Some(place) = lengths.get_mut(row * width + column) {
                *place = longest;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        let (kind, text) = match (before.get(row), after.get(column)) {
            (None, None) => return,
            (Some(one), Some(other)) if one == other => (Kind::Same, one),
            (Some(one), Some(_)) if at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) => (Kind::Gone, one),
            (_, Some(other)) => (Kind::New, other),
            (Some(one), None) => (Kind::Gone, one),
        };
        row += usize::from(kind != Kind::New);
        column += usize::from(kind != Kind::Gone);
        out.push(Line { kind, text: (*text).to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_went_and_came_stand_where_they_were() {
        let told = |before: &str, after: &str| {
            let found = lines(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>()).unwrap();
            let sign = |line: &Line| match line.kind {
                Kind::Same => format!(" {}", line.text),
                Kind::Gone => format!("-{}", line.text),
                Kind::New => format!("+{}", line.text),
            };
            found.iter().map(sign).collect::<Vec<_>>().join("|")
        };
        assert_eq!(told("a\nb\nc\nd", "a\nc\nx\nd"), " a|-b| c|+x| d");
        assert_eq!(told("", "a"), "+a");
        assert_eq!(told("a", "a"), " a");
        assert!(Diff::new("", "a", "a").is_none());
        assert!(Diff::new("", &"a\n".repeat(CHANGED_MAX + 1), "b").is_none());
    }
}
