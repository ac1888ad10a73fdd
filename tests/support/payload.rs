//! The end of a DUMP: its checksum, so that a payload that no DUMP made reaches the module's
//! decoder.

/// Table of each byte's contribution, since a test makes millions of checksums.
const OF_BYTE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0x95ac_9329_ac4b_c9b5 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// CRC-64 as in Redis (Jones polynomial, reflected).
pub fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, byte| (crc >> 8) ^ OF_BYTE[usize::from(crc as u8 ^ byte)])
}

/// A payload with a correct checksum.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc64(body).to_le_bytes()].concat()
}
