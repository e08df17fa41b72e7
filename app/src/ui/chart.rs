use leptos::prelude::*;

use crate::base::at_base;

/// How a chart draws its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    Bars,
    Line,
}

/// One value of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartPoint {
    /// What it is the value of: `Block 12`.
    pub name: String,
    pub href: Option<String>,
    /// `None` where nothing was measured.
    pub value: Option<f64>,
}

/// What a chart shows, oldest first, and how to write one value.
#[derive(Clone, Debug)]
pub struct ChartSeries {
    pub points: Vec<ChartPoint>,
    /// A value with its unit.
    pub format_value: fn(f64) -> String,
    /// A value to compare with, and its name.
    pub reference: Option<(f64, String)>,
}

/// The drawing's own units; the browser stretches them to the room there is.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

/// The least of 1, 2, 2.5 or 5 times a power of ten that is not below the value.
fn nice_ceiling(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value * 0.999)
        .unwrap_or(power * 10.0)
}

impl ChartSeries {
    fn top(&self) -> f64 {
        let reference = self.reference.iter().map(|reference| reference.0);
        let highest = self
            .points
            .iter()
            .filter_map(|point| point.value)
            .chain(reference)
            .fold(0.0, f64::max);
        nice_ceiling(highest)
    }

    /// Left edge and width of the column of a point.
    fn column(&self, place: usize) -> (f64, f64) {
        let width = WIDTH / self.points.len().max(1) as f64;
        (place as f64 * width, width)
    }

    /// Outline of all bars as one path.
    fn bars(&self, top: f64) -> String {
        let mut path = String::new();
        for (place, value) in self
            .points
            .iter()
            .enumerate()
            .filter_map(|(place, point)| Some((place, point.value?)))
        {
            let (left, width) = self.column(place);
            let gap = (width * 0.2).min(4.0);
            let height = (value / top * HEIGHT).clamp(if value > 0.0 { 1.5 } else { 0.0 }, HEIGHT);
            path.push_str(&format!(
                "M{:.2} {HEIGHT}v{:.2}h{:.2}v{:.2}z",
                left + gap / 2.0,
                -height,
                width - gap,
                height
            ));
        }
        path
    }

    /// The line through all values, broken where one is missing, and the area under it.
    fn line(&self, top: f64) -> (String, String) {
        let (mut line, mut area) = (String::new(), String::new());
        let mut run: Vec<(f64, f64)> = Vec::new();
        let mut close = |run: &mut Vec<(f64, f64)>| {
            let Some((first, last)) = run.first().zip(run.last()) else {
                return;
            };
            area.push_str(&format!("M{:.2} {HEIGHT}", first.0));
            for (place, (x, y)) in run.iter().enumerate() {
                line.push_str(&format!("{}{x:.2} {y:.2}", if place == 0 { 'M' } else { 'L' }));
                area.push_str(&format!("L{x:.2} {y:.2}"));
            }
            area.push_str(&format!("L{:.2} {HEIGHT}z", last.0));
            run.clear();
        };
        for (place, point) in self.points.iter().enumerate() {
            let (left, width) = self.column(place);
            match point.value {
                Some(value) => run.push((left + width / 2.0, HEIGHT - (value / top * HEIGHT).clamp(0.0, HEIGHT))),
                None => close(&mut run),
            }
        }
        close(&mut run);
        (line, area)
    }
}

/// A chart drawn by the server, with the same values as a table behind a click.
#[component]
pub fn Chart(
    #[prop(into)] title: String,
    /// The figure that sums the chart up.
    #[prop(optional, into)]
    summary: String,
    kind: ChartKind,
    series: ChartSeries,
    /// The value's column in the table.
    #[prop(into)]
    measure: String,
) -> impl IntoView {
    let known = series.points.iter().filter(|point| point.value.is_some()).count();
    let top = series.top();
    let (format_value, reference) = (series.format_value, series.reference.clone());
    let ticks = [top, top / 2.0, 0.0]
        .map(|tick| view! { <span>{format_value(tick)}</span> })
        .collect_view();
    let ends = series
        .points
        .first()
        .zip(series.points.last())
        .map(|(first, last)| (first.name.clone(), last.name.clone()));
    let name = ends.as_ref().map_or_else(
        || title.clone(),
        |(first, last)| format!("{title}, {first} to {last}. {summary}"),
    );
    let (first, last) = ends.unzip();
    let drawing = match kind {
        ChartKind::Bars => view! { <path class="chart-bars" d=series.bars(top) /> }.into_any(),
        ChartKind::Line => {
            let (line, area) = series.line(top);
            view! {
                <path class="chart-area" d=area />
                <path class="chart-line" d=line vector-effect="non-scaling-stroke" />
            }
            .into_any()
        }
    };
    let guide = reference.as_ref().map(|(value, _)| {
        let y = format!("{:.2}", HEIGHT - value / top * HEIGHT);
        view! { <line class="chart-reference" x1="0" x2=WIDTH.to_string() y1=y.clone() y2=y vector-effect="non-scaling-stroke" /> }
    });
    let hover = series
        .points
        .iter()
        .enumerate()
        .filter_map(|(place, point)| {
            let (left, width) = series.column(place);
            let text = format!("{}: {}", point.name, format_value(point.value?));
            Some(view! {
                <rect class="chart-hover" x=format!("{left:.2}") y="0" width=format!("{width:.2}") height=HEIGHT.to_string()>
                    <title>{text}</title>
                </rect>
            })
        })
        .collect_view();
    let rows = series
        .points
        .iter()
        .rev()
        .map(|point| {
            let name = point.name.clone();
            let name = match point.href.clone() {
                Some(href) => view! { <a href=at_base(href)>{name}</a> }.into_any(),
                None => name.into_any(),
            };
            view! {
                <tr>
                    <td>{name}</td>
                    <td class="numeric">{point.value.map_or_else(|| "not measured".to_owned(), format_value)}</td>
                </tr>
            }
        })
        .collect_view();
    let body = if known == 0 {
        view! { <p class="chart-empty">"Nothing measured yet."</p> }.into_any()
    } else {
        view! {
            <div class="chart-plot">
                <div class="chart-y" aria-hidden="true">{ticks}</div>
                <svg class="chart-svg" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=name>
                    <path class="chart-grid" d=format!("M0 0H{WIDTH}M0 {}H{WIDTH}M0 {HEIGHT}H{WIDTH}", HEIGHT / 2.0) vector-effect="non-scaling-stroke" />
                    {drawing}
                    {guide}
                    {hover}
                </svg>
                <div class="chart-x" aria-hidden="true">
                    <span>{first}</span>
                    {reference.map(|(value, name)| view! { <span class="chart-key">{format!("{name}: {}", format_value(value))}</span> })}
                    <span>{last}</span>
                </div>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="chart card">
            <header class="chart-head">
                <h3>{title.clone()}</h3>
                <span class="chart-summary">{summary}</span>
            </header>
            {body}
            <details class="chart-table">
                <summary>"Show as a table"</summary>
                <div class="chart-rows">
                    <table class="table table-narrow">
                        <caption class="visually-hidden">{title}</caption>
                        <thead>
                            <tr>
                                <th scope="col">"What"</th>
                                <th scope="col" class="numeric">{measure}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> ChartSeries {
        let points = values
            .iter()
            .map(|value| ChartPoint {
                name: String::new(),
                href: None,
                value: *value,
            })
            .collect();
        ChartSeries {
            points,
            format_value: |value| value.to_string(),
            reference: None,
        }
    }

    #[test]
    fn scales_end_on_round_values() {
        assert_eq!(nice_ceiling(0.0), 1.0);
        assert_eq!(nice_ceiling(7.0), 10.0);
        assert_eq!(nice_ceiling(21.0), 25.0);
        assert_eq!(nice_ceiling(100.0), 100.0);
        assert_eq!(nice_ceiling(f64::INFINITY), 1.0);
    }

    #[test]
    fn lines_break_where_nothing_was_measured() {
        let (line, area) = series(&[Some(1.0), None, Some(0.5)]).line(1.0);
        assert_eq!(line, "M100.00 0.00M500.00 80.00");
        assert_eq!(
            area,
            "M100.00 160L100.00 0.00L100.00 160zM500.00 160L500.00 80.00L500.00 160z"
        );
    }

    #[test]
    fn bars_of_nothing_have_no_height() {
        assert_eq!(series(&[Some(0.0)]).bars(1.0), "M2.00 160v-0.00h596.00v0.00z");
    }
}
