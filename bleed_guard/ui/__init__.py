"""The panel and the Bleed tab: the only part that knows gradio. It gets records by injection."""
