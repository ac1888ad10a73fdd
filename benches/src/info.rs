//! Reads the fields of INFO.

use std::time::Duration;

use redis::cmd;

use crate::server::Server;

/// The reply to INFO for one section.
pub struct Info(String);

impl Server {
    pub fn info(&self, section: &str) -> Result<Info, String> {
        self.call(cmd("INFO").arg(section)).map(Info)
    }

    /// The CPU time of the server so far.
    pub fn cpu(&self) -> Result<Duration, String> {
        let info = self.info("cpu")?;
        Ok(Duration::from_secs_f64(info.number("used_cpu_sys")? + info.number("used_cpu_user")?))
    }

    /// The bytes that the server's allocator has given out.
    pub fn used_memory(&self) -> Result<f64, String> {
        self.info("memory")?.number("used_memory")
    }
}

impl Info {
    pub fn text(&self, name: &str) -> Result<&str, String> {
        let fields = self.0.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|(field, _)| *field == name).map(|(_, value)| value.trim());
        values.next().ok_or_else(|| format!("INFO has no {name}"))
    }

    pub fn number(&self, name: &str) -> Result<f64, String> {
        let text = self.text(name)?;
        text.parse().map_err(|error| format!("INFO {name} {text}: {error}"))
    }
}
