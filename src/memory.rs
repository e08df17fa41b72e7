//! What processes take of this machine's memory.

/// Resident memory of this process in bytes, where the system reports it.
pub fn resident_memory() -> Option<i64> {
    resident_memory_of(std::process::id())
}

/// The same of any process.
pub fn resident_memory_of(process: u32) -> Option<i64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
