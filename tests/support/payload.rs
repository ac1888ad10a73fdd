//! The end of a DUMP: its checksum, so that a payload which no DUMP made reaches the module's own decoder.

/// CRC-64 as Redis computes it (polynomial of Jones, reflected).
pub fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0_u64, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x95ac_9329_ac4b_c9b5 & (crc & 1).wrapping_neg())
        })
    })
}

/// A payload with the checksum that belongs to it.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc64(body).to_le_bytes()].concat()
}
