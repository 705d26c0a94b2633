# Verifies the mails of a folder with Mail::DKIM; the key's record stands beside them. Prints how many verify,
# and the seconds of processor time that took.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

my $folder = shift;
if ($folder eq '--version') {
    print "Mail::DKIM $Mail::DKIM::Verifier::VERSION\n";
    exit;
}

# Answers every question with the record.
package Record;

sub send {
    my ($self, $name) = @_;
    my $packet = Net::DNS::Packet->new($name, 'TXT');
    $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => $self->{strings}));
    return $packet;
}

package main;

sub content {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return <$file>;
}

my @strings = content("$folder/record") =~ /(.{1,255})/gs;
Mail::DKIM::DNS::resolver(bless { strings => \@strings }, 'Record');
my @mails = map { content($_) } sort glob "$folder/*.eml";

my $good = 0;
my ($user, $system) = times;
for my $mail (@mails) {
    my $verifier = Mail::DKIM::Verifier->new();
    $verifier->PRINT($mail);
    $verifier->CLOSE;
    $good += $verifier->result eq 'pass';
}
my ($user_after, $system_after) = times;
print "$good ", $user_after + $system_after - $user - $system, "\n";
