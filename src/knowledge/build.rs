//! Build script: lists the files of `knowledge-graph/` for the binary to include.
//!
//! A list rather than a macro over the directory, so that cargo sees added and removed files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let graph = root.join("knowledge-graph");
    let mut files = Vec::new();
    walk(&graph, &mut files)?;
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let path = file.to_string_lossy();
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code.push_str("]\n");
    std::fs::write(out.join("knowledge_graph.rs"), code)
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
