"""The live panel: charts that stay alive in the browser, and the listeners that feed them."""
