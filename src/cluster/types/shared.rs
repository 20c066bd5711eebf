//! Parts of objects that many objects have in common, kept once.
//!
//! The pods of a Deployment, its ReplicaSets and itself repeat one container list; in a large
//! cluster that is most of what there is to remember, and to parse.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A part that is kept once, however many objects have the same.
#[derive(Debug)]
pub struct Shared<T>(Arc<T>);

impl<T: PartialEq> Shared<T> {
    /// Whether both are one part, kept once, or both are empty; equal ones may yet be kept twice.
    pub fn is(&self, other: &Self) -> bool
    where
        T: Default,
    {
        Arc::ptr_eq(&self.0, &other.0) || (*self.0 == T::default() && *other.0 == T::default())
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> From<T> for Shared<T> {
    fn from(part: T) -> Self {
        Self(Arc::new(part))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<'a, T> IntoIterator for &'a Shared<Box<[T]>> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Shared<T>
where
    T: for<'a> Deserialize<'a> + Send + Sync + 'static,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = without_token_suffix(raw.get());
        let key = KNOWN.key::<T>(&text);
        if let Some(known) = KNOWN.get(key) {
            return Ok(Self(known));
        }
        let part = Arc::new(serde_json::from_str(&text).map_err(D::Error::custom)?);
        KNOWN.add(key, &part);
        Ok(Self(part))
    }
}

/// The volume of a pod's token, whose name ends in five letters that differ from pod to pod.
const TOKEN_VOLUME: &str = "kube-api-access";

fn without_token_suffix(text: &str) -> std::borrow::Cow<'_, str> {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(at) = rest.find(TOKEN_VOLUME) {
        let (before, after) = rest.split_at(at + TOKEN_VOLUME.len());
        kept.push_str(before);
        let letters = after.strip_prefix('-').and_then(|after| after.get(..5));
        let is_suffix =
            letters.is_some_and(|letters| letters.bytes().all(|letter| letter.is_ascii_alphanumeric()));
        rest = after.get(if is_suffix { 6.. } else { 0.. }).unwrap_or_default();
    }
    if kept.is_empty() {
        return text.into();
    }
    kept.push_str(rest);
    kept.into()
}

/// Hashes of a part's type and text; two, so that no other text has both.
type Key = (TypeId, u64, u64);

/// The parts that somebody still holds.
struct Known {
    hashers: [RandomState; 2],
    parts: Mutex<HashMap<Key, Weak<dyn Any + Send + Sync>>>,
}

/// More are forgotten: they are then kept twice, which is no error.
const MOST: usize = 1 << 16;

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| Known { hashers: [RandomState::new(), RandomState::new()], parts: Mutex::default() });

impl Known {
    fn key<T: 'static>(&self, text: &str) -> Key {
        let [one, two] = &self.hashers;
        (TypeId::of::<T>(), one.hash_one(text), two.hash_one(text))
    }

    fn get<T: Send + Sync + 'static>(&self, key: Key) -> Option<Arc<T>> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.get(&key)?.upgrade()?.downcast().ok()
    }

    fn add<T: Send + Sync + 'static>(&self, key: Key, part: &Arc<T>) {
        let part: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(part);
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.len() >= MOST {
            parts.clear();
        }
        parts.insert(key, Arc::downgrade(&part));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Container;
    use super::*;

    type Containers = Shared<Box<[Container]>>;

    #[test]
    fn equal_parts_are_kept_once() {
        let read = |token: &str| -> Containers {
            let mount = format!(r#"{{"name":"kube-api-access-{token}","mountPath":"/var/run"}}"#);
            serde_json::from_str(&format!(r#"[{{"name":"app","volumeMounts":[{mount}]}}]"#)).unwrap()
        };
        let (one, two) = (read("cq485"), read("zz9x8"));
        assert!(Arc::ptr_eq(&one.0, &two.0));
        assert_eq!(one[0].volume_mounts[0].name, "kube-api-access");
        let other: Containers = serde_json::from_str(r#"[{"name":"app"}]"#).unwrap();
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_no_part_is_an_error_and_values_read_as_text_does() {
        assert!(serde_json::from_str::<Containers>(r#"{"name":1}"#).is_err());
        let value = serde_json::json!([{"name": "app"}]);
        let text: Containers = serde_json::from_str(&value.to_string()).unwrap();
        assert_eq!(serde_json::from_value::<Containers>(value).unwrap(), text);
    }

    #[test]
    fn only_the_suffix_of_a_token_volume_is_cut() {
        for (text, cut) in [
            (r#""kube-api-access-cq485""#, r#""kube-api-access""#),
            (r#""kube-api-access-""#, r#""kube-api-access-""#),
            (r#""kube-api-access""#, r#""kube-api-access""#),
            ("other", "other"),
            ("kube-api-access-ééééé", "kube-api-access-ééééé"),
        ] {
            assert_eq!(without_token_suffix(text), cut);
        }
    }
}
