//! In which order things stand in their tracks, and how high.

/// Something in a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub track: usize,
    /// In pixels.
    pub height: i32,
    /// Items of the track before it to which a line leads.
    pub before: Vec<usize>,
    /// Items of the track behind it to which a line leads.
    pub behind: Vec<usize>,
}

/// Between two things of a track, in pixels.
pub(super) const SPACE: i32 = 14;
/// There and back so often.
const SWEEPS: usize = 12;

/// From which side an item is drawn into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
    Both,
}

/// The height of each item's upper border, so that lines are short and cross seldom: every item is drawn towards the
/// middle of its neighbours, from one side and from the other, and of all orders that come of it the one with the fewest
/// crossings stays.
pub(super) fn arrange(items: &[Item], tracks: usize) -> Vec<i32> {
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); tracks];
    for (index, item) in items.iter().enumerate() {
        order[item.track].push(index);
    }
    let mut middles = vec![0.0; items.len()];
    for track in &order {
        place(items, track, &vec![0.0; track.len()], &mut middles);
    }
    let mut best = (crossings(items, &middles), order.clone(), middles.clone());
    for sweep in 0..SWEEPS {
        let (side, way): (Side, Vec<usize>) = match sweep % 2 {
            0 => (Side::Before, (0..tracks).collect()),
            _ => (Side::Behind, (0..tracks).rev().collect()),
        };
        for track in way {
            let mut wanted: Vec<(f64, usize)> =
                order[track].iter().map(|item| (wanted(items, *item, side, &middles), *item)).collect();
            wanted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
            order[track] = wanted.iter().map(|(_, item)| *item).collect();
            let wanted: Vec<f64> = wanted.into_iter().map(|(middle, _)| middle).collect();
            place(items, &order[track], &wanted, &mut middles);
        }
        let now = crossings(items, &middles);
        if now < best.0 {
            best = (now, order.clone(), middles.clone());
        }
    }
    let (_, order, mut middles) = best;
    for _ in 0..SWEEPS {
        for track in &order {
            let wanted: Vec<f64> = track.iter().map(|item| wanted(items, *item, Side::Both, &middles)).collect();
            place(items, track, &wanted, &mut middles);
        }
    }
    items.iter().zip(middles).map(|(item, middle)| rounded(middle) - item.height / 2).collect()
}

/// Heights of a picture are far from the limits of `i32`.
fn rounded(middle: f64) -> i32 {
    middle.round() as i32
}

fn wanted(items: &[Item], item: usize, side: Side, middles: &[f64]) -> f64 {
    let Item { before, behind, .. } = &items[item];
    let before = before.iter().map(|each| (middles[*each], items[*each].behind.len()));
    let behind = behind.iter().map(|each| (middles[*each], items[*each].before.len()));
    let neighbours: Vec<(f64, usize)> = match side {
        Side::Before => before.collect(),
        Side::Behind => behind.collect(),
        Side::Both => before.chain(behind).collect(),
    };
    // Where a line is the only one at one of its ends, it is level there.
    let weight = |lines: usize| 1.0 / u32::try_from(lines * lines).map_or(f64::MAX, f64::from);
    let (sum, weights) = neighbours
        .into_iter()
        .fold((0.0, 0.0), |(sum, weights), (middle, lines)| (sum + middle * weight(lines), weights + weight(lines)));
    if weights > 0.0 { sum / weights } else { middles[item] }
}

/// Puts the items of a track, in their order, as near to where they want to be as their sizes allow: what is too near to each
/// other forms a pool, which stands in the middle of what its members want.
fn place(items: &[Item], track: &[usize], wanted: &[f64], middles: &mut [f64]) {
    struct Pool {
        sum: f64,
        members: Vec<(usize, f64)>,
    }
    impl Pool {
        fn at(&self) -> f64 {
            self.sum / u32::try_from(self.members.len()).map_or(f64::MAX, f64::from)
        }
    }
    let mut pools: Vec<Pool> = Vec::new();
    // How far an item stands below the first, if all touch.
    let mut offset = 0.0;
    let mut last: Option<i32> = None;
    for (item, wanted) in track.iter().zip(wanted) {
        let height = items[*item].height;
        if let Some(last) = last {
            offset += f64::from(last + height + 1) / 2.0 + f64::from(SPACE);
        }
        last = Some(height);
        let mut pool = Pool { sum: wanted - offset, members: vec![(*item, offset)] };
        while let Some(above) = pools.pop_if(|above| above.at() > pool.at()) {
            pool.sum += above.sum;
            pool.members = above.members.into_iter().chain(pool.members).collect();
        }
        pools.push(pool);
    }
    for pool in pools {
        let at = pool.at();
        for (item, offset) in pool.members {
            middles[item] = at + offset;
        }
    }
}

/// How many lines cross between neighbouring tracks.
fn crossings(items: &[Item], middles: &[f64]) -> usize {
    let lines: Vec<(usize, f64, f64)> = items
        .iter()
        .zip(middles)
        .flat_map(|(item, middle)| item.behind.iter().map(|other| (item.track, *middle, middles[*other])))
        .collect();
    let cross = |(one, other): (&(usize, f64, f64), &(usize, f64, f64))| {
        one.0 == other.0 && (one.1 - other.1) * (one.2 - other.2) < 0.0
    };
    lines.iter().enumerate().map(|(at, one)| lines[at + 1..].iter().filter(|other| cross((one, other))).count()).sum()
}
