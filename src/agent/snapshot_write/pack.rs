//! Packs files into a gzipped tar, whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::Files;

/// The archive's one top directory.
const TOP: &str = "sre-orch-snapshot";

/// Writes beside the path, then renames: a reader never sees half a snapshot.
pub(super) fn write(path: &Path, files: &Files, time: Option<Timestamp>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?.to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = create(&temporary).and_then(|file| {
        pack(file, files, time)?.sync_all()?;
        std::fs::rename(&temporary, path)
    });
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Creates the file for its owner only; a snapshot tells much, even redacted.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn pack(file: File, files: &Files, time: Option<Timestamp>) -> io::Result<File> {
    let encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
    let mut builder = tar::Builder::new(encoder);
    let modified = time.and_then(|time| u64::try_from(time.as_second()).ok()).unwrap_or(0);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(modified);
        builder.append_data(&mut header, format!("{TOP}/{path}"), content.as_slice())?;
    }
    let mut writer = builder.into_inner()?.finish()?;
    writer.flush()?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}
