//! Short texts that objects have in common, kept once.
//!
//! A large cluster repeats itself: every object says its namespace, every pod its node, its owner
//! and its labels, every event its reason. Kept apart, such texts would be most of the memory.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not changed once it is made, and costs little to copy.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(
    /// None for the empty text, which most fields are.
    Option<Arc<str>>,
);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Longer texts are hardly ever repeated.
const LONGEST: usize = 128;
/// How many texts a thread remembers; one is forgotten for the next that falls on its place.
const PLACES: usize = 1 << 12;

/// The texts that a thread saw last.
struct Recent {
    hasher: RandomState,
    places: Vec<Option<Arc<str>>>,
}

thread_local! {
    static RECENT: RefCell<Recent> =
        RefCell::new(Recent { hasher: RandomState::new(), places: vec![None; PLACES] });
}

/// The text as it was seen of late, else a new one.
pub(super) fn shared(text: &str) -> Arc<str> {
    if text.len() > LONGEST {
        return text.into();
    }
    RECENT.with_borrow_mut(|recent| {
        let hash = recent.hasher.hash_one(text);
        let place = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        match recent.places.get_mut(place) {
            Some(Some(known)) if **known == *text => Arc::clone(known),
            Some(place) => Arc::clone(place.insert(text.into())),
            None => text.into(),
        }
    })
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self((!text.is_empty()).then(|| shared(text)))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&Text> for Arc<str> {
    fn from(text: &Text) -> Self {
        text.0.clone().unwrap_or_default()
    }
}

impl From<Text> for serde_json::Value {
    fn from(text: Text) -> Self {
        text.as_str().into()
    }
}

impl From<&Text> for serde_json::Value {
    fn from(text: &Text) -> Self {
        text.as_str().into()
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

macro_rules! compares {
    ($($other:ty),*) => { $(
        impl PartialEq<$other> for Text {
            fn eq(&self, other: &$other) -> bool {
                *self.as_str() == **other
            }
        }
        impl PartialEq<Text> for $other {
            fn eq(&self, other: &Text) -> bool {
                **self == *other.as_str()
            }
        }
    )* };
}
compares!(&str, String, Arc<str>);

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn equal_texts_are_kept_once_and_long_ones_are_whole() {
        let (one, other) = (Text::from("checkout"), Text::from("checkout".to_owned()));
        assert!(Arc::ptr_eq(one.0.as_ref().unwrap(), other.0.as_ref().unwrap()));
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(Text::from(&long), long);
        for number in 0..3 * PLACES {
            assert_eq!(Text::from(number.to_string()), number.to_string());
        }
    }

    #[test]
    fn a_text_reads_writes_compares_and_is_found_as_a_string() {
        let text: Text = serde_json::from_str(r#""a\"b""#).unwrap();
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""a\"b""#);
        assert!(text == "a\"b" && *"b" > *text && Text::default() < text);
        assert_eq!(format!("{text:>5}|{:?}", Text::default()), "  a\"b|\"\"");
        assert_eq!(HashMap::from([(text, 1)]).get("a\"b"), Some(&1));
        assert!(serde_json::from_str::<Text>("1").is_err());
    }
}
