"""What tables look like in LaTeX and HTML: the Jinja templates that rendering.py fills in."""

# Written with << >> and <% %>, because braces are LaTeX's own.
LATEX = r"""
% needs \usepackage{booktabs}
\begin{table}
\centering
\caption{<< caption | tex >>}
\label{tab:<< name >>}
\begin{tabular}{<< "l" * depth >><< "r" * width >>}
\toprule
<% for level in header[:-1] %>
<< " & " * (depth - 1) >>
<%- for heading in level %> & \multicolumn{<< heading.span >>}{c}{<< heading.text | tex >>}
<%- endfor %> \\
<% for heading in level %>
\cmidrule(lr){<< depth + heading.first >>-<< depth + heading.first + heading.span - 1 >>}
<% endfor %>
<% endfor %>
<< stubs | map("tex") | join(" & ") >>
<%- for heading in header[-1] %> & << heading.text | tex >><% endfor %> \\
<% for group in groups %>
\midrule
<% for headings, cells in group %>
<% for heading in headings %><< heading.text | tex if heading.span >> & <% endfor %>
<% for cell in cells %>
<%- if cell.bold %>\textbf{<< cell.text | tex >>}<% else %><< cell.text | tex >><% endif %>
<%- if cell.mark %> << cell.mark | tex >><% endif %>
<%- if cell.notes %>\textsuperscript{<< cell.numbers >>}<% endif %>
<%- if not loop.last %> & <% endif %>
<%- endfor %> \\
<% if cells | selectattr("interval") | list %>
<< " & " * (depth - 1) >>
<%- for cell in cells %> &<% if cell.interval %>
 {\scriptsize [<< cell.interval | join(", ") >>]}<% endif %>
<%- endfor %> \\
<% endif %>
<% endfor %>
<% endfor %>
\bottomrule
\end{tabular}
<% for note in footnotes %>
\par{\footnotesize << loop.index >>. << note | tex >>}
<% endfor %>
\end{table}
"""

HTML = """\
<table id="{{ name }}">
<caption>{{ caption }}</caption>
<colgroup span="{{ depth }}"></colgroup>
{% for heading in header[0] %}
<colgroup span="{{ heading.span }}"></colgroup>
{% endfor %}
<thead>
{% for level in header %}
<tr>
{% if loop.first %}
{% for stub in stubs %}
<th scope="col" rowspan="{{ header | length }}">{{ stub }}</th>
{% endfor %}
{% endif %}
{% for heading in level %}
<th scope="{{ "col" if heading.span == 1 else "colgroup" }}" colspan="{{ heading.span }}">
{{- heading.text }}</th>
{% endfor %}
</tr>
{% endfor %}
</thead>
{% for group in groups %}
<tbody>
{% for headings, cells in group %}
<tr>
{% for heading in headings if heading.span %}
<th scope="{{ "row" if heading.span == 1 else "rowgroup" }}" rowspan="{{ heading.span }}">
{{- heading.text }}</th>
{% endfor %}
{% for cell in cells %}
<td>{% if cell.bold %}<strong>{{ cell.text }}</strong>{% else %}{{ cell.text }}{% endif %}
{%- if cell.mark %} <span class="verdict">{{ cell.mark }}</span>{% endif %}
{%- if cell.notes %}<sup>{{ cell.numbers }}</sup>{% endif %}
{%- if cell.interval %} <small>[{{ cell.interval | join(", ") }}]</small>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
{% endfor %}
{% if footnotes %}
<tfoot>
{% for note in footnotes %}
<tr><td colspan="{{ depth + width }}">{{ loop.index }}. {{ note }}</td></tr>
{% endfor %}
</tfoot>
{% endif %}
</table>
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }}</title>
<style>
{{ css }}</style>
</head>
<body>
<div class="wide">
{{ table }}</div>
</body>
</html>
"""

CSS = """\
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1a1a1a; background: #fff;
  font: 15px/1.45 system-ui, sans-serif; }
.wide { overflow-x: auto; margin-bottom: 3rem; }
table { border-collapse: collapse; border-block: 2px solid #1a1a1a;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .6rem; max-width: 60rem; color: #444; }
th, td { padding: .22rem .7rem; text-align: right; white-space: nowrap; }
th { font-weight: 600; text-align: left; vertical-align: top; }
thead th { text-align: right; vertical-align: bottom; }
thead th[rowspan] { text-align: left; }
thead th[scope=colgroup] { text-align: center; border-bottom: 1px solid #999; }
tbody th[scope=row] { font-weight: 400; }
tbody { border-top: 1px solid #1a1a1a; }
colgroup + colgroup { border-left: 1px solid #ddd; }
tbody tr:hover td { background: #f2f6fa; }
td strong { color: #8a2500; }
.verdict { color: #666; }
tfoot td { text-align: left; white-space: normal; color: #444; }
tfoot { border-top: 1px solid #1a1a1a; }
small { display: block; color: #666; font-size: .75em; }
"""
