//! What changed between two texts, line by line.

/// Texts with more lines than this are shown one after the other.
const LINES_MAX: usize = 600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// ` `, `-` or `+`.
    pub(super) sign: char,
    pub(super) text: String,
}

impl Line {
    fn new(sign: char, text: &str) -> Self {
        Self { sign, text: text.to_owned() }
    }

    /// The class of its row.
    pub(super) fn tone(&self) -> &'static str {
        match self.sign {
            '-' => "gone",
            '+' => "come",
            _ => "same",
        }
    }
}

pub(super) fn lines(before: &str, after: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let gone = old.iter().map(|line| Line::new('-', line));
        return gone.chain(new.iter().map(|line| Line::new('+', line))).collect();
    }
    let common = common(&old, &new);
    let (mut left, mut right, mut shown) = (old.as_slice(), new.as_slice(), Vec::new());
    loop {
        match (left, right) {
            ([a, rest @ ..], [b, others @ ..]) if a == b => {
                shown.push(Line::new(' ', a));
                (left, right) = (rest, others);
            }
            ([a, rest @ ..], _)
                if right.is_empty()
                    || at(&common, rest, right) >= at(&common, left, right.get(1..).unwrap_or_default()) =>
            {
                shown.push(Line::new('-', a));
                left = rest;
            }
            (_, [b, others @ ..]) => {
                shown.push(Line::new('+', b));
                right = others;
            }
            _ => return shown,
        }
    }
}

/// How many lines the rests have in common, by how long both rests are.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0_u32; new.len() + 1]];
    for a in old.iter().rev() {
        let mut row = vec![0_u32];
        let above = table.last().cloned().unwrap_or_default();
        for (place, b) in new.iter().rev().enumerate() {
            let [diagonal, up] = [place, place + 1].map(|index| above.get(index).copied().unwrap_or_default());
            let beside = row.last().copied().unwrap_or_default();
            row.push(if a == b { diagonal + 1 } else { up.max(beside) });
        }
        table.push(row);
    }
    table
}

fn at(common: &[Vec<u32>], left: &[&str], right: &[&str]) -> u32 {
    common.get(left.len()).and_then(|row| row.get(right.len())).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        lines(before, after).iter().map(|line| format!("{}{}\n", line.sign, line.text)).collect()
    }

    #[test]
    fn only_what_changed_is_marked() {
        assert_eq!(shown("a\nb\nc", "a\nx\nc"), " a\n-b\n+x\n c\n");
        assert_eq!(shown("a\nb", "b\nc"), "-a\n b\n+c\n");
        assert_eq!(shown("", "a"), "+a\n");
        assert_eq!(shown("a", ""), "-a\n");
        assert_eq!(shown("a\nb", "a\nb"), " a\n b\n");
    }
}
