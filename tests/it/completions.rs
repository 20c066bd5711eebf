//! Completions under `completions/` are what the program prints; `UPDATE=1` writes them anew.

use std::path::Path;

const SHELLS: [(&str, &str); 5] = [
    ("bash", "sre-orch.bash"),
    ("zsh", "_sre-orch"),
    ("fish", "sre-orch.fish"),
    ("powershell", "_sre-orch.ps1"),
    ("elvish", "sre-orch.elv"),
];

#[test]
fn completions_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, name) in SHELLS {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sre-orch"))
            .env_clear()
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(output.status.success(), "{shell}");
        let path = directory.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &output.stdout).unwrap();
        }
        let committed = std::fs::read(&path).unwrap_or_default();
        assert!(committed == output.stdout, "completions/{name} is stale; run the tests with UPDATE=1");
    }
}
