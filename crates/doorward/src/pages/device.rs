//! What a page calls a device, and the picture beside it.

use super::texts::Texts;
use crate::sessions::Device;

/// "Chrome on macOS", in the language of the page.
pub(super) fn name(t: &Texts, device: Device) -> String {
    match (device.browser, device.os) {
        (Some(browser), Some(os)) => t
            .get("device-name")
            .with("browser", browser)
            .with("os", os)
            .to_string(),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => t.get("device-unknown").to_string(),
    }
}

/// The same of a device as the audit log names it: "Chrome on macOS".
pub(super) fn recorded(t: &Texts, name: &str) -> String {
    match name.split_once(" on ") {
        Some((browser, os)) => t
            .get("device-name")
            .with("browser", browser)
            .with("os", os)
            .to_string(),
        None if name == "Unknown device" => t.get("device-unknown").to_string(),
        None => name.to_owned(),
    }
}

/// The id of its picture in `icons-account.html`.
pub(super) fn icon(device: Device) -> &'static str {
    match device.kind {
        "desktop" => "i-desktop",
        "mobile" => "i-phone",
        _ => "i-unknown",
    }
}
