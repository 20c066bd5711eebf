//! Slim Kubernetes types: every field optional, null or absent alike, unknown fields skipped.
//!
//! A wrong or missing field of one object must not cost the rest of its list, and objects of
//! other Kubernetes versions must read; so nothing here is required, and defaults are the
//! zero values. Fields are spelled as Kubernetes spells them (camelCase in JSON).

mod compact;
mod custom;
mod lenient;
mod meta;
mod misc;
mod network;
mod node;
mod pod;
mod policy;
mod shared;
mod storage;
mod workload;

pub use compact::{Absent, Map, Rare};
pub use custom::{CustomResource, Destination, Health, Reference, Statement, Subset};
pub use lenient::{IntOrString, Time, null_as_default};
pub use meta::{
    Annotations, Condition, ManagedFields, Meta, OwnedKeys, OwnerReference, TemplateMeta, condition,
};
pub use misc::*;
pub use network::*;
pub use node::*;
pub use pod::*;
pub use policy::*;
pub use shared::Shared;
pub use storage::*;
pub use workload::*;

pub use super::text::Text;

use super::object::Kind;

/// An object that has metadata and a kind.
pub trait Object {
    /// The object's metadata.
    fn meta(&self) -> &Meta;
    /// The object's kind.
    fn kind(&self) -> Kind;
    /// Names the object.
    fn object_ref(&self) -> super::ObjectRef {
        let meta = self.meta();
        let namespace = (!meta.namespace.is_empty()).then(|| (&meta.namespace).into());
        super::ObjectRef { kind: self.kind(), namespace, name: (&meta.name).into() }
    }
}

/// Declares structs whose every field tolerates null and absence.
macro_rules! slim {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident : $ty:ty,)* })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $name {
                $(
                    $(#[$fmeta])*
                    #[serde(default, deserialize_with = "crate::cluster::types::null_as_default")]
                    #[allow(missing_docs, reason = "the fields are the API's own: Kubernetes documents them")]
                    pub $field: $ty,
                )*
            }
            impl crate::cluster::types::Absent for $name {
                fn absent() -> &'static Self {
                    static ABSENT: std::sync::LazyLock<$name> = std::sync::LazyLock::new(Default::default);
                    &ABSENT
                }
            }
        )*
    };
}
pub(crate) use slim;

/// Implements [`Object`] for types with a `metadata` field and one kind.
macro_rules! object {
    ($($name:ident = $kind:ident),* $(,)?) => {
        $(impl crate::cluster::types::Object for $name {
            fn meta(&self) -> &crate::cluster::types::Meta {
                &self.metadata
            }
            fn kind(&self) -> crate::cluster::Kind {
                crate::cluster::Kind::$kind
            }
        })*
    };
}
pub(crate) use object;
