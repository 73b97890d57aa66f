//! The numbers that many runs become.

/// The middle of the values, or between the two in the middle; nothing where there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value below which a share of the values lies, between two of them in proportion.
pub fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let position = share.clamp(0.0, 1.0) * values.len().checked_sub(1)? as f64;
    // Positions are small and not negative, so nothing is lost.
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    Some(values[below] + (values[above] - values[below]) * (position - position.floor()))
}

/// Half of what the middle half of the values spans, as a share of their median: how far they scatter.
pub fn spread(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.into_iter().collect();
    let quantile = |share| quantile(values.iter().copied(), share);
    let middle = median(values.iter().copied()).filter(|middle| *middle > 0.0)?;
    Some((quantile(0.75)? - quantile(0.25)?) / 2.0 / middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), None);
        assert_eq!(median([4.0]), Some(4.0));
        assert_eq!(median([9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn quantiles_lie_between_values() {
        let values = [10.0, 20.0, 30.0, 40.0, 50.0];
        assert_eq!(quantile(values, 0.25), Some(20.0));
        assert_eq!(quantile(values, 0.6), Some(34.0));
        assert_eq!(quantile(values, 7.0), Some(50.0));
    }

    #[test]
    fn one_wild_value_does_not_widen_the_spread() {
        assert_eq!(spread([100.0; 7]), Some(0.0));
        assert_eq!(spread([90.0, 100.0, 100.0, 100.0, 100.0, 110.0, 9000.0]), Some(0.025));
        assert_eq!(spread([0.0, 0.0]), None);
    }
}
