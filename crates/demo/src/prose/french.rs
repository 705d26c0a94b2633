//! French vocabulary of the prose: lemmas, most frequent first; `prose` inflects them.

/// Masculine nouns, singular.
pub(super) const NOUNS_M: &str = "
dossier projet budget compte rendu message point document programme comité candidat groupe réseau rapport
plan contrat tableau texte courrier déplacement discours meeting débat calendrier agenda planning service
bureau lieu local territoire département canton quartier village pays État gouvernement parlement sénat
ministère ministre président directeur secrétaire trésorier délégué référent bénévole militant électeur
citoyen élu maire conseiller adjoint partenaire fournisseur prestataire client journaliste média journal
article entretien portrait reportage communiqué dépliant tract flyer panneau visuel logo site lien fichier
formulaire questionnaire sondage résultat chiffre pourcentage montant devis paiement virement chèque don
reçu prêt crédit frais coût prix tarif impôt seuil plafond bilan solde exercice trimestre mois jour matin
soir weekend moment délai retard rendez-vous train trajet véhicule camion car taxi hôtel repas traiteur
café buffet matériel ordinateur téléphone écran micro projecteur écran câble serveur logiciel système
compte mot accès code badge annuaire tableur modèle exemple cas sujet thème enjeu problème risque besoin
objectif choix avis accord désaccord principe droit devoir règlement décret amendement vote scrutin tour
bulletin dépouillement mandat parrainage soutien adversaire concurrent parti mouvement syndicat collectif
conseil atelier séminaire congrès forum public auditoire applaudissement silence bruit climat air sol
logement emploi travail chômage salaire métier secteur marché commerce artisan entrepreneur ouvrier cadre
agriculteur étudiant lycéen retraité enfant parent professeur médecin infirmier hôpital soin médicament
collège lycée diplôme apprentissage sport club stade musée théâtre livre film concert festival patrimoine
numérique algorithme débit fibre pylône transport tramway bus vélo parking rond-point pont tunnel canal
port aéroport littoral fleuve barrage déchet recyclage carbone nucléaire éolien panneau gaz pétrole
engagement progrès changement renouveau élan espoir courage respect mérite effort geste signe regard
brouillon verbatim relevé classeur badge kakemono stand barnum pupitre drapeau fanion autocollant badge
huissier avocat juriste expert-comptable commissaire vérificateur imprimeur graveur graphiste webmestre
cadrage arbitrage recadrage démarchage porte-à-porte phoning publipostage routage affichage collage
";

/// Feminine nouns, singular.
pub(super) const NOUNS_F: &str = "
réunion équipe campagne liste note version date question réponse demande proposition décision semaine
année heure journée soirée salle adresse ville commune région circonscription fédération section antenne
permanence affiche brochure photo vidéo interview émission chaîne radio presse dépêche tribune annonce
lettre invitation inscription confirmation relance validation signature relecture correction traduction
facture commande livraison dépense recette subvention cotisation avance caution remise garantie assurance
banque comptabilité trésorerie commission autorité déclaration attestation pièce copie annexe page ligne
colonne case clé base donnée sauvegarde imprimante connexion messagerie boîte plateforme application
interface stratégie communication mobilisation organisation coordination logistique sécurité sûreté
surveillance protection prévention alerte crise urgence menace attaque fuite rumeur polémique critique
accusation enquête plainte procédure audience justice loi règle norme directive mesure réforme politique
élection présidence mairie préfecture assemblée majorité opposition minorité alliance coalition rupture
continuité victoire défaite participation abstention tendance courbe moyenne estimation projection carte
vague opinion attente inquiétude colère confiance fierté dignité liberté égalité fraternité solidarité
laïcité nation république démocratie citoyenneté jeunesse retraite pension santé école université
recherche formation culture langue histoire mémoire industrie usine entreprise start-up exportation
concurrence croissance dette inflation taxe fiscalité épargne agriculture ferme récolte forêt rivière mer
montagne énergie électricité centrale éolienne pollution biodiversité transition mobilité gare autoroute
route voiture ligne navette place rue avenue halle tribune estrade sono lumière caméra captation
rediffusion retransmission maquette charte couleur police impression quantité palette étiquette enveloppe
carte affichette banderole écharpe tenue garde-robe coiffure loge arrivée sortie entrée pause clôture
ouverture introduction conclusion synthèse analyse fiche grille matrice feuille feuille-de-route étape
tâche priorité échéance mission responsabilité fonction délégation hiérarchie embauche candidature
prestation convention clause pénalité résiliation négociation médiation entente rencontre visite tournée
";

/// Adjectives, masculine singular.
pub(super) const ADJECTIVES: &str = "
nouveau grand petit bon dernier premier prochain important politique public local national régional
départemental municipal européen français international social économique fiscal budgétaire financier
juridique légal électoral présidentiel législatif officiel provisoire définitif urgent prioritaire
nécessaire utile possible probable certain clair précis exact complet partiel court long large étroit
haut bas fort faible rapide lent simple complexe difficile facile lourd léger ancien récent actuel futur
annuel mensuel hebdomadaire quotidien commun collectif individuel personnel privé interne externe
confidentiel sensible technique numérique électronique informatique graphique visuel photographique
audiovisuel médiatique militant bénévole citoyen républicain démocratique progressiste ambitieux courageux
sérieux heureux nombreux coûteux dangereux généreux précieux rigoureux soucieux attentif positif négatif
actif massif décisif excessif exclusif alternatif administratif associatif éducatif sportif culturel
artistique historique scientifique médical sanitaire scolaire universitaire professionnel industriel
commercial artisanal agricole rural urbain maritime côtier montagnard forestier écologique durable
renouvelable énergétique climatique thermique nucléaire solaire hydraulique ferroviaire routier aérien
gratuit payant disponible indisponible favorable défavorable hostile neutre prudent discret visible
crédible cohérent pertinent évident suffisant insuffisant excellent satisfaisant décevant inquiétant
rassurant surprenant intéressant convaincant émouvant joint ci-joint détaillé corrigé signé validé
imprimé numéroté daté chiffré traduit relu attendu prévu imprévu reporté annulé confirmé
";

/// Regular verbs in -er, infinitive.
pub(super) const VERBS_ER: &str = "
envoyer proposer demander confirmer valider préparer organiser présenter transmettre partager modifier
corriger ajouter supprimer compléter vérifier contrôler signer imprimer commander livrer payer régler
financer budgéter estimer calculer compter noter rappeler relancer contacter appeler rencontrer inviter
accueillir accompagner aider soutenir encourager motiver mobiliser rassembler réunir coordonner animer
diriger piloter gérer administrer traiter analyser étudier examiner évaluer comparer discuter débattre
négocier accepter refuser rejeter écarter adopter voter amender rédiger relire publier diffuser annoncer
communiquer déclarer affirmer expliquer préciser détailler résumer souligner signaler alerter dénoncer
critiquer contester démentir justifier défendre protéger sécuriser surveiller observer constater
remarquer regretter espérer souhaiter désirer préférer chercher trouver retrouver donner prêter acheter
louer réserver occuper libérer installer monter démonter déplacer transporter déposer récupérer garder
conserver archiver classer ranger copier coller télécharger sauvegarder restaurer configurer tester
programmer développer créer imaginer inventer dessiner illustrer photographier filmer enregistrer monter
couper raccourcir allonger avancer reculer reporter annuler décaler fixer arrêter commencer démarrer
lancer continuer terminer achever clôturer ouvrir fermer changer transformer améliorer renforcer
consolider développer simplifier accélérer ralentir augmenter diminuer baisser doubler tripler limiter
plafonner autoriser interdire imposer exiger respecter appliquer adapter traduire interpréter mentionner
citer nommer désigner remplacer former recruter embaucher intégrer quitter abandonner rejoindre
représenter incarner porter montrer cacher révéler dévoiler arriver rester passer rentrer retourner
travailler parler penser rêver marcher rouler voyager téléphoner déjeuner dîner patienter
";

/// Regular verbs in -ir with -iss-, infinitive.
pub(super) const VERBS_IR: &str = "
finir choisir réussir définir établir fournir réunir remplir réfléchir agir réagir garantir investir
enrichir élargir ralentir grandir punir saisir subir unir bâtir applaudir approfondir éclaircir nourrir
avertir affaiblir aboutir accomplir
";

/// Irregular verbs: infinitive, third person singular, third person plural, future stem, participle.
pub(super) const VERBS_IRREGULAR: &str = "
faire|fait|font|fer|fait voir|voit|voient|verr|vu prendre|prend|prennent|prendr|pris
mettre|met|mettent|mettr|mis dire|dit|disent|dir|dit recevoir|reçoit|reçoivent|recevr|reçu
tenir|tient|tiennent|tiendr|tenu obtenir|obtient|obtiennent|obtiendr|obtenu suivre|suit|suivent|suivr|suivi
permettre|permet|permettent|permettr|permis connaître|connaît|connaissent|connaîtr|connu
comprendre|comprend|comprennent|comprendr|compris attendre|attend|attendent|attendr|attendu
rendre|rend|rendent|rendr|rendu lire|lit|lisent|lir|lu écrire|écrit|écrivent|écrir|écrit
produire|produit|produisent|produir|produit conduire|conduit|conduisent|conduir|conduit
construire|construit|construisent|construir|construit réduire|réduit|réduisent|réduir|réduit
perdre|perd|perdent|perdr|perdu vendre|vend|vendent|vendr|vendu répondre|répond|répondent|répondr|répondu
craindre|craint|craignent|craindr|craint rejoindre|rejoint|rejoignent|rejoindr|rejoint
convaincre|convainc|convainquent|convaincr|convaincu offrir|offre|offrent|offrir|offert
ouvrir|ouvre|ouvrent|ouvrir|ouvert découvrir|découvre|découvrent|découvrir|découvert
maintenir|maintient|maintiennent|maintiendr|maintenu prévoir|prévoit|prévoient|prévoir|prévu
";

/// Adverbs and adverbial phrases without their own complement (`_` stands for a space).
pub(super) const ADVERBS: &str = "
demain bientôt rapidement déjà encore toujours souvent parfois rarement jamais ensuite enfin vraiment
simplement directement clairement précisément exactement presque environ ensemble ailleurs ici là-bas
partout hier aujourd'hui tout_de_suite dès_que_possible au_plus_vite en_fin_de_journée en_principe
en_pratique en_revanche par_ailleurs sans_doute peut-être certainement probablement évidemment
naturellement volontiers largement fortement légèrement nettement progressivement régulièrement
prudemment discrètement publiquement officiellement officieusement collectivement individuellement
localement sur_place à_distance par_téléphone par_courrier en_interne en_externe à_nouveau de_nouveau
au_fur_et_à_mesure cette_semaine la_semaine_prochaine le_mois_prochain l'année_dernière ce_soir ce_matin
";

/// Prepositions that a noun phrase follows (`_` stands for a space).
pub(super) const PREPOSITIONS: &str = "
pour avec sur dans par sans sous selon après avant devant derrière entre contre malgré concernant
vers chez depuis pendant parmi hormis suivant via
";

/// Words that open a sentence before its subject (`_` stands for a space).
pub(super) const CONNECTORS: &str = "
De_plus, En_effet, Cependant, Toutefois, Par_conséquent, Ainsi, D'ailleurs, À_ce_stade, Pour_mémoire,
En_l'état, Dans_ce_cadre, Comme_convenu, Sauf_erreur_de_ma_part, Pour_information, En_résumé, Du_coup,
Côté_terrain, Côté_presse, Sur_le_fond, Sur_la_forme, À_l'inverse, À_titre_indicatif, En_conséquence,
";

/// Sentences. `{S}` subject, `{V}` present, `{F}` future, `{P}` perfect, `{I}` infinitive, `{O}` object,
/// `{Q}` preposition and noun phrase, `{D}` adverb, `{X}` date, `{M}` amount, `{H}` time of day,
/// `{T}` town, `{N}` person, `{G}` organisation, `{R}` reference, `{U}` address, `{K}` number,
/// `{C}` connector.
pub(super) const SENTENCES: &[&str] = &[
    "{S} {V} {O} {Q}.",
    "{S} {V} {O} {D}.",
    "{C} {s} {V} {O}.",
    "{C} {s} {F} {O} {Q}.",
    "{S} {P} {O} {Q}.",
    "{S} {P} {O} le {X}.",
    "Il faut {I} {O} avant le {X}.",
    "Nous devons {I} {O} et {I} {O} {D}.",
    "Peux-tu {I} {O} {Q} ?",
    "Pourriez-vous {I} {O} d’ici le {X} ?",
    "Merci de {I} {O} {D}.",
    "Je te propose de {I} {O} {Q}, puis de {I} {O}.",
    "Je vous confirme que {s} {F} {O} à {T} le {X} à {H}.",
    "D’après {N}, {s} {P} {O} {D}.",
    "{N} m’indique que {s} {V} {O} {Q}.",
    "Le montant s’élève à {M}, soit {K} de plus que prévu.",
    "Le devis de {G} est de {M} ; {s} {F} {O}.",
    "Voir la référence {R} et {O} {Q}.",
    "Tout est en ligne ici : {U}",
    "Rendez-vous à {T}, {H}, {Q}.",
    "On attend environ {K} personnes à {T} ; {s} {V} {O}.",
    "Si {s} {V} {O}, alors {s} {F} {O} {Q}.",
    "Bien que le délai soit court, {s} {F} {O}.",
    "Je reviens vers vous {D} avec {O}.",
    "{S} et {s} {P} {O}, ce qui change {O}.",
    "{C} je pense que {s} {F} {O} {D}, {Q}.",
    "Le point avec {N} et {G} est calé au {X}, {H}.",
    "Attention : {s} {V} {O} {D} !",
    "Est-ce que {s} {V} {O} {Q} ?",
    "Question de {N} : {s} {P} {O} ?",
    "Pas de nouvelles de {G} {Q}, {s} {F} {O}.",
    "Pour {T}, compter {M} et {K} exemplaires.",
    "Comme l’a dit {N}, « {s} {V} {O} {Q} ».",
    "J’ai vu {N} {D} : {s} {P} {O}, {s} {F} {O}.",
];

/// Greetings; `{N}` is the addressee's first name.
pub(super) const GREETINGS: &[&str] = &[
    "Bonjour {N},",
    "Bonjour,",
    "Cher {N},",
    "Bonsoir {N},",
    "{N},",
    "Salut {N},",
    "Bonjour à tous,",
    "Chers amis,",
    "Madame, Monsieur,",
];

/// Closings.
pub(super) const CLOSINGS: &[&str] = &[
    "Bien à toi,",
    "Cordialement,",
    "Bien cordialement,",
    "Amitiés,",
    "À demain,",
    "Merci d’avance,",
    "Bises",
    "Très bonne journée,",
    "Bien à vous,",
    "Excellente soirée,",
];

/// Subjects; slots as in `SENTENCES`, `{n}` is a bare noun.
pub(super) const SUBJECTS: &[&str] = &[
    "{n} {T}",
    "Relance : {n}",
    "{n} et {n}",
    "Point {n} du {X}",
    "Réunion {n}",
    "Devis {G}",
    "{n} – version {K}",
    "Compte rendu {n} ({T})",
    "Question sur {o}",
    "Urgent : {n}",
    "{n} {R}",
    "Déplacement à {T}",
    "Interview {N}",
    "Invitation : {n} à {T}, {X}",
    "Budget {n} : {M}",
    "À relire : {n}",
    "{o}",
    "Planning {n}",
    "Idées pour {o}",
    "Facture {R}",
];

/// Roles under a signature.
pub(super) const ROLES: &[&str] = &[
    "Trésorerie",
    "Pôle presse",
    "Coordination nationale",
    "Référente territoriale",
    "Chargé de mission",
    "Pôle numérique",
    "Logistique et déplacements",
    "Affaires juridiques",
    "Pôle idées",
    "Bénévole",
    "Responsable des dons",
    "Assistante de direction",
];
