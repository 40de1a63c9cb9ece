# Data and weights from elsewhere: what the configuration names and resources/downloads.yaml knows.
# Jobs depend on these files, so a run gets them by itself; the target `fetch` gets them beforehand,
# for machines without a network.

DOWNLOADS = registry(BASE / "resources" / "downloads.yaml")
NAMED = {
    *(config["catalogues"][c]["source"].get("path") for c in USED),
    *(config["defenses"][d].get("weights") for d in DEFENSES),
    config["perceptual"]["weights"],
}


rule fetch:
    input:
        [place for place in DOWNLOADS if place in NAMED],
    localrule: True


# No digest of sources among the params, and `update`: a file that is there is never fetched again.
rule fetch_file:
    output:
        update("{place}"),
    log:
        f"{RESULTS}/logs/fetch_file/{{place}}.log",
    wildcard_constraints:
        place=one_of(DOWNLOADS),
    localrule: True
    conda:
        "../envs/varbench.yaml"
    shell:
        "fetch.py --place {wildcards.place:q} 2> {log}"
