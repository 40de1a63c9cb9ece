# Data and weights from elsewhere: what the configuration names and resources/downloads.yaml knows.
# Jobs depend on these files, so a run gets them by itself; the target `fetch` gets them beforehand,
# for machines without a network.

DOWNLOADS = registry(BASE / "resources" / "downloads.yaml")
# Torchvision's weights of LPIPS' networks.
BACKBONES = {
    "vgg": "data/weights/vgg16-397923af.pth",
    "squeeze": "data/weights/squeezenet1_1-b8a52dc0.pth",
    "alex": "data/weights/alexnet-owt-7be5be79.pth",
}
NAMED = [
    *(config["catalogues"][c]["source"].get("path") for c in USED),
    *(config["defenses"][d].get("weights") for d in DEFENSES),
    backbone_file(None),
]


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
