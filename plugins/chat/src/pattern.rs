//! Which event types a setting is for: the same words as in a webhook's subscription. Next: the formatters.

/// `*` is every type, `a.*` every type below `a.` at any depth, anything else that type alone.
#[must_use]
pub fn matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(group) if group.ends_with('.') => event_type.len() > group.len() && event_type.starts_with(group),
        _ => pattern == event_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_alone_or_after_a_dot() {
        assert!(matches("*", "a"));
        assert!(matches("a.*", "a.b") && matches("a.*", "a.b.c"));
        assert!(matches("a.b", "a.b"));
        for (pattern, event_type) in
            [("a.*", "a"), ("a.*", "a."), ("a.*", "ab.c"), ("a*", "ab"), ("a.b", "a.b.c"), ("A.b", "a.b")]
        {
            assert!(!matches(pattern, event_type), "{pattern} {event_type}");
        }
    }
}
