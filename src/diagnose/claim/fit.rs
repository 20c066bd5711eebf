//! A claim against the volumes that exist: what differs, and which volume comes closest.

use crate::cluster::quantity::Quantity;
use crate::cluster::state::Table;
use crate::cluster::types::{PersistentVolume, PersistentVolumeClaim, StorageClass};
use crate::cluster::{Kind, ObjectRef};

/// A property in which a volume does not suit a claim, in the order in which it excuses another:
/// a volume of the wrong class is further away than one of the wrong size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mismatch {
    Selector,
    AccessMode,
    Capacity,
    VolumeMode,
    Released,
    Occupied,
    Class,
}

/// A volume and how it differs from what a claim asks for.
#[derive(Debug)]
pub(super) struct Near<'a> {
    claim: &'a PersistentVolumeClaim,
    pub(super) volume: &'a PersistentVolume,
    pub(super) mismatches: Vec<Mismatch>,
    /// Whether the claim names this volume.
    pub(super) asked_for: bool,
    class: String,
}

impl Mismatch {
    /// The word for it in facts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Selector => "selector",
            Self::AccessMode => "access-mode",
            Self::Capacity => "capacity",
            Self::VolumeMode => "volume-mode",
            Self::Released => "released",
            Self::Occupied => "occupied",
            Self::Class => "class-different",
        }
    }

    /// The volume's field.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Selector => "metadata.labels",
            Self::AccessMode => "spec.accessModes",
            Self::Capacity => "spec.capacity.storage",
            Self::VolumeMode => "spec.volumeMode",
            Self::Released => "status.phase",
            Self::Occupied => "spec.claimRef",
            Self::Class => "spec.storageClassName",
        }
    }

    /// The claim's field.
    pub(super) fn claim_path(self) -> &'static str {
        match self {
            Self::Selector => "spec.selector",
            Self::AccessMode => "spec.accessModes",
            Self::Capacity => "spec.resources.requests.storage",
            Self::VolumeMode => "spec.volumeMode",
            Self::Released | Self::Occupied => "spec.volumeName",
            Self::Class => "spec.storageClassName",
        }
    }
}

/// The volume that comes closest to a claim; none where there is none to compare.
///
/// A volume that suits entirely is being bound and is no answer either.
pub(super) fn closest<'a>(
    claim: &'a PersistentVolumeClaim,
    class: Option<&StorageClass>,
    volumes: &[&'a PersistentVolume],
    claims: &Table<PersistentVolumeClaim>,
) -> Option<Near<'a>> {
    let named = claim.spec.volume_name.as_str();
    let wanted_class = claim
        .spec
        .storage_class_name
        .clone()
        .unwrap_or_else(|| class.map(|class| class.metadata.name.clone()).unwrap_or_default());
    let mut near: Vec<Near<'a>> = volumes
        .iter()
        .filter(|volume| named.is_empty() || volume.metadata.name == named)
        .map(|volume| Near {
            claim,
            volume,
            mismatches: mismatches(claim, &wanted_class, volume, claims),
            asked_for: !named.is_empty(),
            class: wanted_class.to_string(),
        })
        .filter(|near| !near.mismatches.is_empty())
        .collect();
    near.sort_by(|a, b| a.key().cmp(&b.key()));
    let best = near.into_iter().next()?;
    // Another team's volume of another class that is taken as well says nothing.
    (best.asked_for || best.mismatches.len() <= 2).then_some(best)
}

fn mismatches(
    claim: &PersistentVolumeClaim,
    class: &str,
    volume: &PersistentVolume,
    claims: &Table<PersistentVolumeClaim>,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if claim.spec.selector.as_ref().is_some_and(|selector| !selector.matches(&volume.metadata.labels)) {
        found.push(Mismatch::Selector);
    }
    if !claim.spec.access_modes.iter().all(|mode| volume.spec.access_modes.contains(mode)) {
        found.push(Mismatch::AccessMode);
    }
    if storage(&claim.spec.resources.requests) > storage(&volume.spec.capacity) {
        found.push(Mismatch::Capacity);
    }
    if mode(&claim.spec.volume_mode) != mode(&volume.spec.volume_mode) {
        found.push(Mismatch::VolumeMode);
    }
    if volume.spec.storage_class_name != class {
        found.push(Mismatch::Class);
    }
    if let Some(holder) = holder(volume)
        && holder != (claim.metadata.namespace.as_str(), claim.metadata.name.as_str())
    {
        let alive = claims.get(holder.0, holder.1).is_some_and(|other| {
            other.spec.volume_name == volume.metadata.name || other.status.phase == "Bound"
        });
        found.push(if alive { Mismatch::Occupied } else { Mismatch::Released });
    } else if volume.status.phase == "Released" || volume.status.phase == "Failed" {
        found.push(Mismatch::Released);
    }
    found.sort();
    found
}

fn holder(volume: &PersistentVolume) -> Option<(&str, &str)> {
    let claim = volume.spec.claim_ref.as_ref().filter(|claim| !claim.name.is_empty())?;
    Some((&claim.namespace, &claim.name))
}

fn storage(list: &crate::cluster::quantity::ResourceList) -> Quantity {
    list.get("storage").copied().unwrap_or_default()
}

fn mode(mode: &str) -> &str {
    if mode.is_empty() { "Filesystem" } else { mode }
}

/// What a claim asks for, in words.
pub(super) fn asked(claim: &PersistentVolumeClaim) -> String {
    let class = claim.spec.storage_class_name.as_deref().filter(|class| !class.is_empty());
    let class = class.map_or("no class".to_owned(), |class| format!("class {class}"));
    format!("{} {} of {class}", storage(&claim.spec.resources.requests), claim.spec.access_modes.join(","))
}

impl Near<'_> {
    /// Closest first: fewer differences, then free before taken, same class before another.
    fn key(&self) -> (bool, usize, &[Mismatch], &str) {
        (
            self.mismatches.contains(&Mismatch::Class),
            self.mismatches.len(),
            &self.mismatches,
            &self.volume.metadata.name,
        )
    }

    /// How sure it is that this difference keeps the claim pending.
    pub(super) fn certainty(&self, by: Mismatch) -> &'static str {
        match (self.mismatches.len(), by) {
            // The volume may belong to its holder, and the claim may lack one of its own.
            (1, Mismatch::Occupied) if !self.asked_for => "computed",
            (1, _) => "decisive",
            _ => "suggestive",
        }
    }

    /// The difference to name; where there are two, the one that is not about who holds the volume.
    pub(super) fn first(&self) -> Option<Mismatch> {
        self.mismatches.first().copied()
    }

    /// What the claim asks for.
    pub(super) fn wanted(&self, by: Mismatch) -> String {
        let spec = &self.claim.spec;
        match by {
            Mismatch::Selector => spec.selector.as_ref().map_or(String::new(), |selector| {
                let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
                labels
                    .chain(selector.match_expressions.iter().map(ToString::to_string))
                    .collect::<Vec<_>>()
                    .join(", ")
            }),
            Mismatch::AccessMode => spec.access_modes.join(", "),
            Mismatch::Capacity => storage(&spec.resources.requests).to_string(),
            Mismatch::VolumeMode => mode(&spec.volume_mode).to_owned(),
            Mismatch::Released | Mismatch::Occupied => spec.volume_name.to_string(),
            Mismatch::Class => self.class.clone(),
        }
    }

    /// What the volume has.
    pub(super) fn have(&self, by: Mismatch) -> String {
        let volume = self.volume;
        match by {
            Mismatch::Selector => {
                let labels: Vec<String> =
                    volume.metadata.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ") }
            }
            Mismatch::AccessMode => volume.spec.access_modes.join(", "),
            Mismatch::Capacity => storage(&volume.spec.capacity).to_string(),
            Mismatch::VolumeMode => mode(&volume.spec.volume_mode).to_owned(),
            Mismatch::Released | Mismatch::Occupied => {
                let holder = self.holder().map_or(String::new(), |holder| holder.to_string());
                format!("{} {holder}", volume.status.phase).trim().to_owned()
            }
            Mismatch::Class if volume.spec.storage_class_name.is_empty() => "no class".to_owned(),
            Mismatch::Class => volume.spec.storage_class_name.to_string(),
        }
    }

    /// The claim that holds the volume.
    pub(super) fn holder(&self) -> Option<ObjectRef> {
        let (namespace, name) = holder(self.volume)?;
        Some(ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name))
    }
}
