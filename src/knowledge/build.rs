//! Build script: packs the files of `knowledge-graph/` for the binary to include.
//!
//! Packed, because most of them are tests, and the text is a sixth of the size then. Each file is
//! its name, its length in bytes, both on a line of their own, and its text.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let graph = root.join("knowledge-graph");
    let mut files = Vec::new();
    walk(&graph, &mut files)?;
    files.sort();
    let mut pack = DeflateEncoder::new(Vec::new(), Compression::best());
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(file)?;
        write!(pack, "{name}\n{}\n{text}", text.len())?;
    }
    std::fs::write(out.join("knowledge_graph.deflate"), pack.finish()?)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    // Cargo looks at a directory's own time: each has to be named.
    let mut stdout = std::io::stdout();
    std::io::Write::write_all(
        &mut stdout,
        format!("cargo:rerun-if-changed={}\n", directory.display()).as_bytes(),
    )?;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
