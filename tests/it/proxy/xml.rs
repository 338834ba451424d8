//! Just enough of XML to read AWS's answers: no attributes, no comments, no entities but in text.

/// The text of the first such element.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    element(text, name).map(str::trim)
}

/// What is inside the first such element, up to its first end.
pub fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// The outermost items of a list.
pub fn items<'a>(set: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (mut found, mut depth, mut start, mut at) = (Vec::new(), 0, 0, 0);
    while let Some(next) = set[at..].find('<').map(|offset| at + offset) {
        if set[next..].starts_with(&open) {
            if depth == 0 {
                start = next;
            }
            depth += 1;
        } else if set[next..].starts_with(&close) {
            depth -= 1;
            if depth == 0 {
                found.push(&set[start..next + close.len()]);
            }
        }
        at = next + 1;
    }
    found
}

/// A list's element with only those items that `keep` wants.
pub fn retain(text: &str, list: &str, item: &str, mut keep: impl FnMut(&str) -> bool) -> String {
    let (open, close) = (format!("<{list}>"), format!("</{list}>"));
    let Some((head, rest)) = text.split_once(&open) else { return text.to_owned() };
    // The last end: lists nest in items.
    let Some((set, tail)) = rest.rsplit_once(&close) else { return text.to_owned() };
    let kept: String = items(set, item).into_iter().filter(|item| keep(item)).collect();
    format!("{head}{open}{kept}{close}{tail}")
}
