{% include "sheet.js" %}
