//! A ready `kopi.toml` for an office. Secrets stand in files beside it that only their owner may read, so that Kopi has
//! nothing to warn of.
//!
//! Refuses: secrets in the configuration itself.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::OfficeError;
use crate::address::OfficeAddress;

/// Writes the configuration and the secrets; gives the file's absolute path.
///
/// # Errors
/// A file cannot be written.
pub fn write(file: &Path, address: &OfficeAddress) -> Result<String, OfficeError> {
    let failed = |path: &Path| {
        let file = path.to_owned();
        move |error| OfficeError::Write { file, error }
    };
    let file = std::path::absolute(file).map_err(failed(file))?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let token = beside(&file, "drone-token");
    let secret = beside(&file, "rancher-secret");
    write_secret(&token, &address.servers.drone.token).map_err(failed(&token))?;
    write_secret(&secret, &address.servers.rancher.secret_key).map_err(failed(&secret))?;
    fs::write(&file, text(address, &token, &secret)).map_err(failed(&file))?;
    Ok(file.display().to_string())
}

/// The configuration's text.
fn text(address: &OfficeAddress, token: &Path, secret: &Path) -> String {
    let servers = &address.servers;
    format!(
        "# The demo office. Everything in it is made up; its servers live on this machine as long as it runs.\n\n\
         [[connection]]\nname = \"drone\"\nkind = \"drone\"\nurl = {}\ntoken = {{ file = {} }}\n\n\
         [[connection]]\nname = \"rancher\"\nkind = \"rancher\"\nurl = {}\naccess_key = {}\nsecret_key = {{ file = {} }}\n",
        quoted(&servers.drone.url),
        quoted(&token.display().to_string()),
        quoted(&servers.rancher.url),
        quoted(&servers.rancher.access_key),
        quoted(&secret.display().to_string()),
    )
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(what);
    file.with_file_name(name)
}

/// Only the owner may read it, from its first byte on.
fn write_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(secret.as_bytes())
}
