//! A draw that anyone can repeat.

/// Draws `size` items, in their order. The same seed draws the same.
pub(crate) fn draw<T>(items: Vec<T>, size: usize, seed: &str) -> Vec<T> {
    let mut state = hash(seed);
    let mut still_wanted = size;
    let mut left = items.len();
    let mut drawn = Vec::new();
    // Each item is taken with the probability of what is wanted in what is left.
    for item in items {
        let lot = usize::try_from(next(&mut state) % left as u64).unwrap_or(usize::MAX);
        if lot < still_wanted {
            drawn.push(item);
            still_wanted -= 1;
        }
        left -= 1;
    }
    drawn
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `SplitMix64`.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
