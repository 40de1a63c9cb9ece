# Data and weights from elsewhere: what the configuration names and resources/downloads.yaml knows.
# Jobs depend on these files, so a run gets them by itself; the target `fetch` gets them beforehand,
# for machines without a network.

from varbench.downloads import registry

DOWNLOADS = registry(BASE / "resources" / "downloads.yaml")
OUTSIDE = inputs.outside_files(GRID)


rule fetch:
    input:
        [place for place in DOWNLOADS if place in OUTSIDE],
    localrule: True


# No digest of sources among the params, and `update`: a file that is there is never fetched again.
rule fetch_file:
    output:
        update("{place}"),
    log:
        f"{LOGS}/fetch_file/{{place}}.log",
    wildcard_constraints:
        place=one_of(DOWNLOADS),
    localrule: True
    conda:
        "../envs/varbench.yaml"
    shell:
        "fetch.py --place {wildcards.place:q} 2> {log}"
