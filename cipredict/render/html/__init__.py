"""The report as one HTML file: its template, styles and scripts are data beside this code."""
