//! Containers of the slim types that cost what they hold: a large cluster has a hundred thousand
//! maps of three entries, and parts of an object that almost none has.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cluster::text::Text;

/// A map with names for keys, ordered by them, that is not changed once it is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Map<V>(Box<[(Text, V)]>);

impl<V> Map<V> {
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        Text: Borrow<Q>,
    {
        let at = self.0.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Whether a key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        Text: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> Iter<'_, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, by key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Clone> Map<V> {
    /// The same map with one more key, or another value of it.
    #[must_use]
    pub fn with(&self, key: &str, value: V) -> Self {
        let other =
            self.iter().filter(|(known, _)| *known != key).map(|(key, value)| (key.clone(), value.clone()));
        other.chain([(key.into(), value.clone())]).collect()
    }
}

/// Keys and values of a [`Map`].
pub(super) type Iter<'a, V> =
    std::iter::Map<std::slice::Iter<'a, (Text, V)>, fn(&'a (Text, V)) -> (&'a Text, &'a V)>;

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<V: fmt::Debug> fmt::Debug for Map<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Into<Text>, V> FromIterator<(K, V)> for Map<V> {
    /// Of equal keys the last counts, as in JSON.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(Text, V)> =
            entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.reverse();
        entries.dedup_by(|(a, _), (b, _)| a == b);
        entries.reverse();
        Self(entries.into())
    }
}

impl<'a, V> IntoIterator for &'a Map<V> {
    type Item = (&'a Text, &'a V);
    type IntoIter = Iter<'a, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
            type Value = Map<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<V>, A::Error> {
                let mut entries: Vec<(Text, V)> = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries.into_iter().collect())
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

/// A part that most objects lack; reads as its default where it is absent.
#[derive(Clone, Debug)]
pub struct Rare<T>(Option<Box<T>>);

/// What an absent part reads as.
pub trait Absent: 'static {
    /// The type's default, which lives for ever.
    fn absent() -> &'static Self;
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Absent> Deref for Rare<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::absent())
    }
}

impl<T: Absent + PartialEq> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Absent + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(self, serializer)
    }
}

impl<'de, T: Absent + PartialEq + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = T::deserialize(deserializer)?;
        Ok(Self((part != *T::absent()).then(|| Box::new(part))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Affinity;
    use super::*;

    #[test]
    fn a_map_reads_writes_and_finds_as_the_standard_one() {
        let text = r#"{"b":"2","a":"1","b":"3"}"#;
        let map: Map<String> = serde_json::from_str(text).unwrap();
        let standard: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
        assert!(map.keys().eq(standard.keys()) && map.values().eq(standard.values()));
        assert_eq!(serde_json::to_string(&map).unwrap(), serde_json::to_string(&standard).unwrap());
        assert_eq!(map.get("b").map(String::as_str), Some("3"));
        assert_eq!(map.get("c"), None);
        assert_eq!(serde_json::to_string(&Map::<String>::default()).unwrap(), "{}");
        let collected: Map<i64> = [("x", 1), ("a", 2), ("x", 3)].into_iter().collect();
        assert_eq!(collected.get("x"), Some(&3));
        assert_eq!(collected.with("a", 9).values().copied().collect::<Vec<_>>(), [9, 3]);
    }

    #[test]
    fn an_empty_part_costs_a_pointer_and_reads_as_its_default() {
        let absent: Rare<Affinity> = serde_json::from_str("{}").unwrap();
        assert!(absent.0.is_none());
        assert_eq!(*absent, Affinity::default());
        assert_eq!(size_of::<Rare<Affinity>>(), size_of::<usize>());
    }
}
