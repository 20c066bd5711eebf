//! Snapshots as files, for the benchmarks and the load generator that they share with the tests.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Path and content of every file of a snapshot.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The recorded incident in the middle of the load.
pub(crate) const INCIDENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkout-missing-env/bundle.tar.gz");

/// The files of an archive, without its top directory.
pub(crate) fn read(archive: &Path) -> Files {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(archive).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path: PathBuf = entry.path().unwrap().components().skip(1).collect();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path.display().to_string(), content)
    });
    entries.filter(|(_, content)| !content.is_empty()).collect()
}

/// The archive of these files.
pub(crate) fn archive(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, format!("bundle/{name}"), content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}
