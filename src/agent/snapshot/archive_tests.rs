use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn tight() -> Bounds {
    Bounds { entries: 5, file_bytes: 100, total_bytes: 8192, depth: 4, ratio: 400 }
}

/// A tar of raw headers, so that it can hold what a well-behaved writer refuses.
fn tar_of(entries: &[(&[u8], tar::EntryType, &[u8], &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, kind, content, link) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path);
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn regular<'a>(path: &'a str, content: &'a [u8]) -> (&'a [u8], tar::EntryType, &'a [u8], &'a str) {
    (path.as_bytes(), tar::EntryType::Regular, content, "")
}

fn open(bytes: &[u8], bounds: &Bounds) -> Result<Files, SnapshotError> {
    read_archive(bytes, Path::new("test"), bounds)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

fn refusal(entry: (&[u8], tar::EntryType, &[u8], &str)) -> String {
    let error = open(&tar_of(&[entry]), &Bounds::default()).expect_err("refused").to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn plain_and_gzipped_tars_read_alike() {
    let tar = tar_of(&[regular("./a//b", b"x")]);
    for bytes in [tar.clone(), gzip(&tar)] {
        let files = open(&bytes, &tight()).expect("opens");
        assert!(matches!(&files["a/b"], Content::Bytes(bytes) if bytes == b"x"));
    }
}

#[test]
fn paths_that_lead_out_are_refused() {
    assert!(refusal(regular("../etc/passwd", b"x")).contains("leads out"));
    assert!(refusal(regular("a/../../b", b"x")).contains("leads out"));
    assert!(refusal(regular("/etc/passwd", b"x")).contains("absolute"));
    assert!(refusal(regular(&"d/".repeat(40), b"x")).contains("too deep"));
}

#[test]
fn links_out_and_special_files_are_refused() {
    let entry = |kind, link| refusal((b"a/link", kind, b"", link));
    assert!(entry(tar::EntryType::Symlink, "/etc/passwd").contains("links out"));
    assert!(entry(tar::EntryType::Symlink, "../../x").contains("links out"));
    assert!(entry(tar::EntryType::Link, "a/file").contains("hard link"));
    assert!(entry(tar::EntryType::Fifo, "").contains("no regular file"));
    assert!(entry(tar::EntryType::Char, "").contains("no regular file"));
}

#[test]
fn links_within_give_what_they_lead_to() {
    let link = |path: &'static [u8], target| (path, tar::EntryType::Symlink, &b""[..], target);
    let tar = tar_of(&[regular("a/real", b"x"), link(b"b/link", "../a/real"), link(b"c/loop", "loop")]);
    let files = open(&tar, &tight()).expect("opens");
    assert!(matches!(&files["b/link"], Content::Bytes(bytes) if bytes == b"x"));
    assert!(!files.contains_key("c/loop"));
}

#[test]
fn bounds_are_named() {
    let many: Vec<String> = (0..9).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(|path| regular(path, b"x")).collect();
    assert!(
        open(&tar_of(&many), &tight()).expect_err("too many").to_string().contains("more than 5 entries")
    );

    let files = open(&tar_of(&[regular("big", &[b'x'; 101])]), &tight()).expect("opens");
    assert!(matches!(files["big"], Content::TooBig(101)));

    let large = vec![0; 16384];
    let error = open(&gzip(&tar_of(&[regular("a", &large)])), &tight()).expect_err("too much").to_string();
    assert!(error.contains("content"), "{error}");
}

#[test]
fn a_bomb_ends_early() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("bundle/cluster-resources/pods/shop.json").expect("a path");
    header.set_size(1 << 30);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).expect("written");
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        encoder.write_all(&zeros).expect("written");
    }
    let bomb = encoder.finish().expect("finished");
    let error = open(&bomb, &Bounds::default()).expect_err("a bomb").to_string();
    assert!(error.contains("expands more than 400 times"), "{error}");
}

#[test]
fn other_archives_are_named() {
    for (bytes, name) in [(&b"PK\x03\x04rest"[..], "zip"), (b"\x28\xb5\x2f\xfdrest", "zstd")] {
        assert!(open(bytes, &tight()).expect_err("no tar").to_string().contains(name));
    }
    assert!(open(b"hello, I am no archive at all", &tight()).is_err());
}

#[cfg(unix)]
#[test]
fn a_directory_follows_links_only_within() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = tempfile::NamedTempFile::new().expect("a file");
    std::fs::create_dir(directory.path().join("a")).expect("made");
    std::fs::write(directory.path().join("a/real"), b"x").expect("written");
    let link = |target: &Path, name| {
        std::os::unix::fs::symlink(target, directory.path().join(name)).expect("linked")
    };
    link(Path::new("a/real"), "within");
    link(outside.path(), "out");
    link(Path::new("."), "loop");
    let files = read(directory.path(), &tight()).expect("opens");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a/real", "within"]);
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = open(&bytes, &tight());
        let _ = open(&gzip(&bytes), &tight());
    }

    #[test]
    fn any_damage_ends_in_a_result(at in 0_usize..1536, byte in any::<u8>()) {
        let mut tar = tar_of(&[regular("a/b", b"content")]);
        tar[at] = byte;
        let _ = open(&tar, &tight());
        let mut packed = gzip(&tar_of(&[regular("a/b", b"content")]));
        let at = at % packed.len();
        packed[at] = byte;
        let _ = open(&packed, &tight());
    }
}
