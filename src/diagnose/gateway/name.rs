//! What the name of a route and that of a Service have in common.

use std::collections::{BTreeMap, BTreeSet};

/// Words that every Service may have in its name.
const WORDS: [&str; 3] = ["service", "svc", "api"];
/// Services that must share a word before it says nothing.
const ENOUGH: usize = 3;

/// The names that a route's id or path may mean: each part, bare and without words like `service`.
pub(super) fn names(label: &str) -> Vec<String> {
    let mut found = Vec::new();
    for segment in
        label.split(['/', '=', '*', '(', ')', '`', ' ', ',', '{', '}']).filter(|part| !part.is_empty())
    {
        let plain = squash(segment);
        for affix in WORDS {
            if let Some(rest) = plain.strip_suffix(affix).filter(|rest| !rest.is_empty()) {
                found.push(singular(rest));
            }
        }
        found.push(singular(&plain));
    }
    found
}

/// Lower case, letters and digits only: `orderOther`, `order-other` and `order_other` are one name.
fn squash(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// `orders` and `order` are one name, and so are `policies` and `policy`.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() >= 3) {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(rest) if rest.len() >= 3 && !rest.ends_with('s') => rest.to_owned(),
        _ => word.to_owned(),
    }
}

/// Words that most Service names share, such as a prefix of the product or `service`.
pub(super) fn common_words(services: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for service in services {
        for word in service.split('-').collect::<BTreeSet<_>>() {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut common: BTreeSet<String> = counts
        .into_iter()
        .filter(|(_, count)| *count >= ENOUGH && count * 2 > services.len())
        .map(|(word, _)| word.to_owned())
        .collect();
    common.extend(WORDS.map(str::to_owned));
    common
}

/// What is left of a Service's name without the words that most share.
pub(super) fn core(service: &str, common: &BTreeSet<String>) -> String {
    let without = |common: &dyn Fn(&str) -> bool| -> String {
        service.split('-').filter(|word| !common(word)).collect()
    };
    // Where the namespace is named as the Service is, nothing else would be left.
    let rest = [without(&|word| common.contains(word)), without(&|word| WORDS.contains(&word))];
    let rest = rest.iter().find(|rest| !rest.is_empty());
    singular(&squash(rest.map_or(service, String::as_str)))
}

/// The literal beginning of the path that a label matches: `Path=/api/cart/**` is `/api/cart`.
pub(super) fn path(label: &str) -> Option<&str> {
    let start = label.find('/')?;
    let before = label.get(..start)?;
    // A scheme or an image is no path.
    let matcher = before.is_empty() || before.ends_with(['=', '`', '(', '"', '\'', '^', '~', ' ']);
    let rest = label.get(start..)?;
    let end = rest.find(['*', '{', '`', ')', '"', '\'', '(', '?', '$', ' ', ',']).unwrap_or(rest.len());
    let path = rest.get(..end)?.trim_end_matches('/');
    (matcher && path.len() > 2).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_usual_matchers() {
        for (label, expected) in [
            ("Path=/api/cart/**", Some("/api/cart")),
            ("PathPrefix(`/cart`)", Some("/cart")),
            ("^~ /cart/", Some("/cart")),
            ("/cart/{id}", Some("/cart")),
            ("/", None),
            ("cart", None),
            ("http://cart", None),
        ] {
            assert_eq!(path(label), expected, "{label}");
        }
    }

    #[test]
    fn plurals_are_one_name() {
        let common = common_words(&["order-service", "absence-service", "glass"].into());
        assert!(names("Path=/orders/**").contains(&core("order-service", &common)));
        assert!(names("absences").contains(&core("absence-service", &common)));
        assert_eq!(core("glass", &common), "glass");
        let common = common_words(&["points-api", "points-admin", "points-db"].into());
        assert_eq!(
            (core("points-api", &common), core("points-admin", &common)),
            ("point".into(), "admin".into())
        );
        assert!(names("/policies").contains(&core("policy-service", &common)));
    }
}
