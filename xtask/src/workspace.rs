//! Where things are, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Where the workspace builds, and where the folders of the other workspaces are made.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |path| root().join(path))
}

/// Where programs are installed that no package of the machine brings; tests look for them there.
pub(crate) fn tools_dir() -> PathBuf {
    target_dir().join("xtask").join("tools")
}

/// Whether this runs in continuous integration.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The cargo that started this program, called at the root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The same cargo in a folder that is a workspace of its own.
pub(crate) fn cargo_in(folder: &str, target: &str) -> Command {
    let mut command = cargo();
    command
        .current_dir(root().join(folder))
        .env("CARGO_TARGET_DIR", target_dir().join(target));
    command
}
