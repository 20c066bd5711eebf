//! One list of a snapshot, indexed once and never decoded here: items stay raw text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A file that holds a list of objects.
#[derive(Debug)]
pub(super) struct ListFile {
    /// The namespace that the file's name says; none: of the whole cluster.
    pub namespace: Option<String>,
    text: String,
    items: OnceLock<Result<Vec<Item>, String>>,
}

/// One object of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, or the file's.
    pub namespace: String,
    body: Body,
}

#[derive(Debug)]
enum Body {
    At(Range<usize>),
    Rewritten(String),
}

#[derive(Default, Deserialize)]
struct HeaderMeta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct ListShape<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
}

impl ListFile {
    pub(super) fn new(namespace: Option<String>, text: String) -> Self {
        Self { namespace, text, items: OnceLock::new() }
    }

    /// A list that the snapshot holds but nobody can read.
    pub(super) fn unreadable(namespace: Option<String>, why: String) -> Self {
        Self { namespace, text: String::new(), items: OnceLock::from(Err(why)) }
    }

    /// The objects, in the file's order.
    pub(super) fn items(&self) -> Result<&[Item], &str> {
        match self.items.get_or_init(|| self.index()) {
            Ok(items) => Ok(items),
            Err(why) => Err(why),
        }
    }

    /// The JSON of one object.
    pub(super) fn json<'a>(&'a self, item: &'a Item) -> &'a str {
        match &item.body {
            Body::At(range) => self.text.get(range.clone()).unwrap_or("null"),
            Body::Rewritten(text) => text,
        }
    }

    fn index(&self) -> Result<Vec<Item>, String> {
        let text = self.text.trim_start_matches('\u{feff}').trim();
        let raw: Vec<&RawValue> = if text.is_empty() || text == "null" {
            Vec::new()
        } else if text.starts_with('[') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            let list: ListShape<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            match list.items {
                Some(items) => items,
                // Not a list but one object, as `kubectl get -o json NAME` prints it.
                None if list.metadata.is_some() && !list.kind.unwrap_or_default().ends_with("List") => {
                    vec![serde_json::from_str(text).map_err(|error| error.to_string())?]
                }
                None => Vec::new(),
            }
        };
        Ok(raw.into_iter().filter(|raw| raw.get() != "null").map(|raw| self.item(raw.get())).collect())
    }

    fn item(&self, json: &str) -> Item {
        let header = header(json);
        let name = header.name.unwrap_or_default();
        let stated = header.namespace.unwrap_or_default();
        if let (true, Some(namespace)) = (stated.is_empty(), &self.namespace)
            && let Some(body) = with_namespace(json, namespace)
        {
            return Item { name, namespace: namespace.clone(), body: Body::Rewritten(body) };
        }
        let start = json.as_ptr() as usize - self.text.as_ptr() as usize;
        Item { name, namespace: stated, body: Body::At(start..start + json.len()) }
    }
}

/// `metadata` of an object. Reads no further: of a large object it is the smaller part.
fn header(json: &str) -> HeaderMeta {
    struct Finder<'f>(&'f mut Option<HeaderMeta>);
    impl<'de> Visitor<'de> for Finder<'_> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                if key == "metadata" {
                    *self.0 = map.next_value()?;
                    return Err(A::Error::custom("the rest is not wanted"));
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut found = None;
    // An error only says that reading ended early, or that there is no metadata.
    let _ = serde_json::Deserializer::from_str(json).deserialize_map(Finder(&mut found));
    found.unwrap_or_default()
}

/// The object with the namespace that its place in the snapshot implies.
fn with_namespace(json: &str, namespace: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(json).ok()?;
    let metadata = value.as_object_mut()?.entry("metadata").or_insert_with(|| serde_json::json!({}));
    metadata.as_object_mut()?.insert("namespace".to_owned(), namespace.into());
    Some(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, String)> {
        let list = ListFile::new(Some("shop".to_owned()), text.to_owned());
        let items = list.items().expect("readable");
        items.iter().map(|item| (item.namespace.clone(), item.name.clone())).collect()
    }

    #[test]
    fn lists_arrays_and_single_objects_read_alike() {
        let item = r#"{"kind":"Pod","metadata":{"name":"web"}}"#;
        let expected = vec![("shop".to_owned(), "web".to_owned())];
        assert_eq!(names(&format!(r#"{{"kind":"PodList","items":[{item}]}}"#)), expected);
        assert_eq!(names(&format!("[{item},null]")), expected);
        assert_eq!(names(item), expected);
        assert!(names(r#"{"kind":"PodList","metadata":{}}"#).is_empty());
        assert!(names(r#"{"kind":"PodList","items":null}"#).is_empty());
        assert!(names("").is_empty());
    }

    #[test]
    fn an_item_keeps_its_text_and_gets_the_namespace_of_its_file() {
        let list = ListFile::new(
            Some("shop".into()),
            r#"{"items":[{"metadata":{"name":"a","namespace":"other"}},{"metadata":{"name":"b"}}]}"#.into(),
        );
        let items = list.items().expect("readable");
        assert_eq!(list.json(&items[0]), r#"{"metadata":{"name":"a","namespace":"other"}}"#);
        assert!(list.json(&items[1]).contains(r#""namespace":"shop""#));
    }

    #[test]
    fn a_cut_list_says_why_it_cannot_be_read() {
        let list = ListFile::new(None, r#"{"items":[{"metadata":{"na"#.into());
        assert!(list.items().is_err());
    }
}
