package io.stencil.lab.demo;

import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.geom.Ellipse2D;
import java.io.IOException;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/// Draws the losses of a training: each step as a dot, their moving average as a line.
///
/// @param losses by step, the first step at index 0
/// @param window steps that the moving average covers
record LossChart(List<Double> losses, int window) {

    private static final int WIDTH = 960;
    private static final int HEIGHT = 420;
    private static final Color DOTS = new Color(150, 175, 205, 150);
    private static final Color LINE = new Color(22, 78, 140);

    LossChart {
        losses = List.copyOf(losses);
    }

    /// Mean of the last `window` losses at each step, or of as many as there are.
    List<Double> smoothed() {
        double[] means = new double[losses.size()];
        double sum = 0;
        for (int i = 0; i < means.length; i++) {
            sum += losses.get(i) - (i >= window ? losses.get(i - window) : 0);
            means[i] = sum / Math.min(i + 1, window);
        }
        return Arrays.stream(means).boxed().toList();
    }

    void write(Path png) throws IOException {
        RgbImageWriter.write(RgbImage.of(chart().createBufferedImage(WIDTH, HEIGHT)), png);
    }

    private JFreeChart chart() {
        XYSeriesCollection data = new XYSeriesCollection();
        data.addSeries(series("mean of the last %s steps".formatted(window), smoothed(), window - 1));
        data.addSeries(series("each step", losses, 0));
        JFreeChart chart = ChartFactory.createXYLineChart(
                null, "step", "training loss", data, PlotOrientation.VERTICAL, true, false, false);
        chart.setBackgroundPaint(Color.WHITE);
        XYPlot plot = chart.getXYPlot();
        plot.setBackgroundPaint(Color.WHITE);
        plot.setDomainGridlinePaint(new Color(225, 225, 225));
        plot.setRangeGridlinePaint(new Color(225, 225, 225));
        plot.setOutlineVisible(false);
        plot.setRenderer(renderer());
        plot.getDomainAxis().setRange(0, Math.max(losses.size(), 1));
        plot.getDomainAxis().setStandardTickUnits(NumberAxis.createIntegerTickUnits());
        for (ValueAxis axis : List.of(plot.getDomainAxis(), plot.getRangeAxis())) {
            ((NumberAxis) axis)
                    .setNumberFormatOverride(
                            new DecimalFormat("0.########", DecimalFormatSymbols.getInstance(Locale.ROOT)));
        }
        return chart;
    }

    private static XYLineAndShapeRenderer renderer() {
        XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, false);
        renderer.setSeriesPaint(0, LINE);
        renderer.setSeriesStroke(0, new BasicStroke(2.5f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        renderer.setSeriesLinesVisible(1, false);
        renderer.setSeriesShapesVisible(1, true);
        renderer.setSeriesShape(1, new Ellipse2D.Double(-2, -2, 4, 4));
        renderer.setSeriesPaint(1, DOTS);
        return renderer;
    }

    private static XYSeries series(String title, List<Double> values, int from) {
        XYSeries series = new XYSeries(title, false);
        for (int i = Math.min(from, values.size() - 1); i < values.size(); i++) {
            series.add(i + 1, values.get(i));
        }
        return series;
    }
}
