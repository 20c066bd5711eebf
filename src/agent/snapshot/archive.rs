//! Reads the files of a snapshot into memory, whatever the input does.
//!
//! Directory, tar and gzipped tar alike. Nothing is ever unpacked to disk; no path leaves
//! the snapshot; entries, depth, sizes and the expansion of compressed input are bounded, and
//! each bound ends in one error that names it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::SnapshotError;

/// What a snapshot may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many entries an archive or directory may have.
    pub entries: usize,
    /// Bytes of one file; a larger file is left out and said to be.
    pub file_bytes: u64,
    /// Bytes of everything, decompressed.
    pub total_bytes: u64,
    /// Components of one path.
    pub depth: usize,
    /// How many bytes one compressed byte may become, once [`Self::RATIO_FLOOR`] is passed.
    pub ratio: u64,
}

impl Bounds {
    /// Small archives may compress as well as they like.
    const RATIO_FLOOR: u64 = 64 << 20;
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 200_000, file_bytes: 256 << 20, total_bytes: 2 << 30, depth: 24, ratio: 400 }
    }
}

/// One file of a snapshot.
#[derive(Debug)]
pub(super) enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is larger than [`Bounds::file_bytes`], by its own statement.
    TooBig(u64),
}

/// The files of a snapshot by their normalised path.
pub(super) type Files = BTreeMap<String, Content>;

/// Reads every file below a directory or in an archive.
pub(super) fn read(path: &Path, bounds: &Bounds) -> Result<Files, SnapshotError> {
    let unreadable = |source| SnapshotError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return read_directory(path, bounds);
    }
    let file = File::open(path).map_err(unreadable)?;
    read_archive(BufReader::with_capacity(1 << 16, file), path, bounds)
}

/// Reads a tar or gzipped tar from any stream; told apart by their first bytes, not by name.
pub(super) fn read_archive(
    mut input: impl io::BufRead,
    name: &Path,
    bounds: &Bounds,
) -> Result<Files, SnapshotError> {
    let head = input
        .fill_buf()
        .map_err(|source| SnapshotError::Io { path: name.to_owned(), source })?
        .get(..4)
        .map_or([0; 4], |head| <[u8; 4]>::try_from(head).unwrap_or_default());
    let packed = match head {
        [0x1f, 0x8b, ..] => None,
        [0x28, 0xb5, 0x2f, 0xfd] => Some("a zstd archive"),
        [0xfd, b'7', b'z', b'X'] => Some("an xz archive"),
        [b'P', b'K', ..] => Some("a zip archive"),
        [b'B', b'Z', b'h', _] => Some("a bzip2 archive"),
        _ => {
            let counted = Metered::new(input, bounds.total_bytes, None, bounds.ratio);
            return read_tar(counted, name, bounds);
        }
    };
    if let Some(packed) = packed {
        return Err(SnapshotError::NotASnapshot { path: name.to_owned(), found: packed.to_owned() });
    }
    let compressed = Rc::new(Cell::new(0));
    let source = Counted { inner: input, count: Rc::clone(&compressed) };
    let plain = flate2::bufread::MultiGzDecoder::new(BufReader::new(source));
    read_tar(Metered::new(plain, bounds.total_bytes, Some(compressed), bounds.ratio), name, bounds)
}

fn read_tar(input: impl Read, name: &Path, bounds: &Bounds) -> Result<Files, SnapshotError> {
    let failed = |error: io::Error| archive_error(name, error);
    let mut files = Files::new();
    let mut links = BTreeMap::new();
    let mut archive = tar::Archive::new(input);
    for (index, entry) in archive.entries().map_err(failed)?.enumerate() {
        if index >= bounds.entries {
            return Err(SnapshotError::bound(name, format!("more than {} entries", bounds.entries)));
        }
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = normalise(&raw, bounds).map_err(|why| SnapshotError::refused(name, &raw, why))?;
        if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = resolve(&path, &String::from_utf8_lossy(&target), bounds)
                .map_err(|why| SnapshotError::refused(name, &raw, why))?;
            links.insert(path, target);
            continue;
        }
        if !kind.is_file() && !kind.is_contiguous() {
            let why = if kind.is_hard_link() { "it is a hard link" } else { "it is no regular file" };
            return Err(SnapshotError::refused(name, &raw, why));
        }
        let content = read_bounded(&mut entry, bounds).map_err(failed)?;
        files.insert(path, content);
    }
    follow(&mut files, links);
    Ok(files)
}

/// Gives links the content of what they lead to. All of it is in memory already, so a link can
/// show nothing that the archive does not hold; one that leads nowhere or in circles is dropped.
fn follow(files: &mut Files, links: BTreeMap<String, String>) {
    const HOPS: usize = 4;
    for (link, target) in &links {
        let mut target = target;
        for _ in 0..HOPS {
            match links.get(target) {
                Some(next) => target = next,
                None => break,
            }
        }
        // Moved, not copied: many links to one large file must not multiply it.
        if let Some(content) = files.remove(target) {
            files.insert(link.clone(), content);
        }
    }
}

fn read_bounded(entry: &mut impl Read, bounds: &Bounds) -> io::Result<Content> {
    let mut bytes = Vec::new();
    entry.by_ref().take(bounds.file_bytes + 1).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    if length <= bounds.file_bytes {
        return Ok(Content::Bytes(bytes));
    }
    drop(bytes);
    Ok(Content::TooBig(length + io::copy(entry, &mut io::sink())?))
}

fn read_directory(root: &Path, bounds: &Bounds) -> Result<Files, SnapshotError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| SnapshotError::Io { path, source }
    };
    let canonical = root.canonicalize().map_err(unreadable(root))?;
    let mut walk = Walk { bounds, seen: 0, total: 0, files: Files::new() };
    let mut pending = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = pending.pop() {
        for entry in std::fs::read_dir(&directory).map_err(unreadable(&directory))? {
            let entry = entry.map_err(unreadable(&directory))?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            walk.count(root)?;
            normalise(&name, bounds).map_err(|why| SnapshotError::refused(root, &name, why))?;
            let Some(target) = inside(&path, &entry, &canonical) else { continue };
            if target.is_dir() {
                // A linked directory could lead back up; only real ones are entered.
                if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                    pending.push((path, format!("{name}/")));
                }
            } else if target.is_file() {
                walk.read(root, &target, name)?;
            }
        }
    }
    Ok(walk.files)
}

/// The path itself, or what it links to where that is inside the root; links out are not followed.
fn inside(path: &Path, entry: &std::fs::DirEntry, root: &Path) -> Option<PathBuf> {
    if !entry.file_type().ok()?.is_symlink() {
        return Some(path.to_owned());
    }
    path.canonicalize().ok().filter(|target| target.starts_with(root))
}

/// What a directory has cost so far.
struct Walk<'b> {
    bounds: &'b Bounds,
    seen: usize,
    total: u64,
    files: Files,
}

impl Walk<'_> {
    fn count(&mut self, root: &Path) -> Result<(), SnapshotError> {
        self.seen += 1;
        if self.seen > self.bounds.entries {
            return Err(SnapshotError::bound(root, format!("more than {} files", self.bounds.entries)));
        }
        Ok(())
    }

    fn read(&mut self, root: &Path, path: &Path, name: String) -> Result<(), SnapshotError> {
        let unreadable = |source| SnapshotError::Io { path: path.to_owned(), source };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > self.bounds.file_bytes {
            self.files.insert(name, Content::TooBig(size));
            return Ok(());
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let content = read_bounded(&mut file, self.bounds).map_err(unreadable)?;
        if let Content::Bytes(bytes) = &content {
            self.total += bytes.len() as u64;
        }
        if self.total > self.bounds.total_bytes {
            return Err(SnapshotError::bound(root, size_bound(self.bounds.total_bytes)));
        }
        self.files.insert(name, content);
        Ok(())
    }
}

/// A path without `.` and empty components; refused where it could lead out of the snapshot.
fn normalise(raw: &str, bounds: &Bounds) -> Result<String, &'static str> {
    if raw.starts_with('/') || raw.contains('\0') || raw.get(1..3) == Some(":\\") {
        return Err("its path is absolute or broken");
    }
    let mut parts = Vec::new();
    for part in raw.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => return Err("its path leads out of the snapshot"),
            part => parts.push(part),
        }
        if parts.len() > bounds.depth {
            return Err("its path is too deep");
        }
    }
    Ok(parts.join("/"))
}

/// Where a symbolic link leads, as a path of the archive.
fn resolve(link: &str, target: &str, bounds: &Bounds) -> Result<String, &'static str> {
    if target.starts_with('/') || target.contains(['\0', '\\']) {
        return Err("it links out of the snapshot");
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("it links out of the snapshot")?;
            }
            part => parts.push(part),
        }
        if parts.len() > bounds.depth {
            return Err("it links too deep");
        }
    }
    Ok(parts.join("/"))
}

fn size_bound(bytes: u64) -> String {
    format!("more than {} MiB of content", bytes >> 20)
}

/// Says which bound a stream passed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Passed(String);

fn archive_error(name: &Path, error: io::Error) -> SnapshotError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Passed>()) {
        Some(Passed(what)) => SnapshotError::bound(name, what.clone()),
        // The tar reader wraps errors of the stream below it, so look one level deeper.
        None => match std::error::Error::source(&error).and_then(passed_below) {
            Some(what) => SnapshotError::bound(name, what),
            None => SnapshotError::Archive { path: name.to_owned(), source: error },
        },
    }
}

fn passed_below(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(Passed(what)) = error.downcast_ref() {
            return Some(what.clone());
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            if let Some(Passed(what)) = inner.downcast_ref() {
                return Some(what.clone());
            }
            current = inner.source();
            continue;
        }
        current = error.source();
    }
    None
}

/// Counts the compressed bytes.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count.set(self.count.get() + length as u64);
        Ok(length)
    }
}

/// Ends a stream that becomes larger than it may.
struct Metered<R> {
    inner: R,
    read: u64,
    total: u64,
    compressed: Option<Rc<Cell<u64>>>,
    ratio: u64,
}

impl<R> Metered<R> {
    fn new(inner: R, total: u64, compressed: Option<Rc<Cell<u64>>>, ratio: u64) -> Self {
        Self { inner, read: 0, total, compressed, ratio }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read += length as u64;
        if self.read > self.total {
            return Err(io::Error::other(Passed(size_bound(self.total))));
        }
        if let Some(compressed) = &self.compressed
            && self.read > Bounds::RATIO_FLOOR
            && self.read / compressed.get().max(1) > self.ratio
        {
            return Err(io::Error::other(Passed(format!(
                "content that expands more than {} times",
                self.ratio
            ))));
        }
        Ok(length)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
